//go:build !race

package xpc_test

const raceDetector = false
