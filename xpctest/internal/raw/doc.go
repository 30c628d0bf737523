// Package raw asks libxpc, in C, what package xpc does not let a program do: the
// probes of open questions that are about misuse or about C's own arguments.
// Each may end the process, so each runs in one of its own.
package raw
