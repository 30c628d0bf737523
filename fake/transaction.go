package fake

func (b backend) TransactionBegin() error {
	p := b.p
	p.w.mu.Lock()
	defer p.w.unlock()
	if p.dead {
		return p.goneError()
	}
	p.explicit++
	return nil
}

func (b backend) TransactionEnd() error {
	p := b.p
	p.w.mu.Lock()
	defer p.w.unlock()
	switch {
	case p.dead:
		return p.goneError()
	case p.explicit == 0:
		return misuse("TransactionEnd", "no transaction is open: ends must match begins (row 202)")
	}
	p.explicit--
	p.transactionEnded()
	return nil
}

// transactionEnded lets a process go that was told to, once it is clean. The
// caller holds w.mu.
func (p *Process) transactionEnded() {
	if p.terminating && p.optedIn() && p.transactions() == 0 {
		p.die(errTerminated)
	}
}

func (p *Process) transactions() int { return p.explicit + p.automatic }

// optedIn tells whether the process may be ended when it has no transaction
// (row 201).
func (p *Process) optedIn() bool {
	return p.job != nil && (p.job.isBundled() || p.job.cfg.EnableTransactions || p.job.cfg.EnablePressuredExit)
}
