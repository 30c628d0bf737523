//go:build race

package xpc_test

// The race detector makes pools forget at random, so nothing can be counted.
const raceDetector = true
