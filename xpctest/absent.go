package xpctest

// An Absence is a row of scope api that has no case.
type Absence struct{ Title, Why string }

// Absent lists the rows of scope api without a case, and why.
func Absent() map[int]Absence { return absent }

var absent = map[int]Absence{
	186: {"calls newer than the system", "which calls exist is a property of the system: the bridge is tested with and without them where it is built"},
	252: {"one container in two threads", "no source promises anything, so there is nothing to hold a backend to"},
	296: {"form of a dictionary's description", "the form is not stable, and package xpc describes values in a form of its own"},
}
