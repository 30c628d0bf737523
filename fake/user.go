package fake

// users are the accounts that every system has.
var users = map[string]Credentials{
	"root":   {EUID: 0, EGID: 0},
	"daemon": {EUID: 1, EGID: 1},
	"nobody": {EUID: -2, EGID: -2},
}

// firstAccount is where the ids of made-up service accounts begin, such as those
// with an underscore on macOS.
const firstAccount = 400

// user gives the credentials of a job's UserName, nil if it names none. launchd
// looks at it in the system domain only. The caller holds w.mu.
func (w *Launchd) user(cfg *JobConfig) *Credentials {
	if cfg.UserName == "" || cfg.Domain != System {
		return nil
	}
	c, ok := users[cfg.UserName]
	if !ok {
		id := w.accounts[cfg.UserName]
		if id == 0 {
			id = firstAccount + len(w.accounts)
			w.accounts[cfg.UserName] = id
		}
		c = Credentials{EUID: id, EGID: id}
	}
	c.ASID = 100000
	return &c
}
