package wire

// Broken makes a body that stands for a message that could not be put into the
// flat form, and says why. It reads as an [Error] where a dictionary is due.
func Broken(why string) []byte {
	var e Encoder
	e.Error(why)
	return e.Buf
}

// Empty is the flat form of an empty dictionary. It is not to be changed.
func Empty() []byte { return empty[:] }

var empty = [9]byte{byte(Dictionary)}
