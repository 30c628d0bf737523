//go:build race

package fake

const raceEnabled = true
