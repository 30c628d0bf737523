package fake

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// openRows are the rows of the table of behaviour that no source settles, and the
// contradictions between sources, each with the option that answers them in
// another way, or the reason why there is none.
var openRows = map[string]struct{ option, why string }{
	"19":  {why: "package xpc counts suspensions itself until the activation, the same on every backend"},
	"22":  {option: "LookUpOnSend", why: "never inside the call: package xpc does not allow any backend that"},
	"41":  {option: "SwapHandlersLate"},
	"43":  {option: "KeepHandlers"},
	"44":  {option: "HandlerIsBarrier"},
	"63":  {why: "package xpc refuses to send on a listener, as misuse, on every backend"},
	"64":  {why: "package xpc has no type for a connection in a message"},
	"91":  {option: "CancelWins"},
	"92":  {option: "HangDropped"},
	"101": {why: "package xpc refuses the second reply on every backend"},
	"129": {option: "ListenerCancelsPeers"},
	"131": {why: "package xpc always cancels before it gives the last reference back; ReportLeaks reports who never closes"},
	"139": {option: "UnloadInvalidatesLate"},
	"152": {option: "PeersStartEarly"},
	"153": {option: "StrictPeers"},
	"162": {option: "InactiveEndpointsInvalid"},
	"163": {why: "package xpc refuses the endpoint of a client, as misuse, on every backend"},
	"164": {option: "EndpointsDiffer"},
	"173": {option: "KeepCredentials"},
	"192": {why: "an error object cannot be written to from Go"},
	"202": {why: "package xpc refuses to end more transactions than were begun, on every backend"},
	"250": {why: "a connection in Go is a pointer: identity"},
	"252": {why: "one Go map changed by two goroutines is a data race, whatever the backend"},
	"259": {why: "equality of values is package xpc's own, and never asks a backend"},
	"265": {why: "strings are encoded by package xpc; the fake passes their bytes on"},
	"295": {why: "package xpc refuses a container inside itself when it encodes it"},
	"298": {why: "the depth is bounded by package xpc, for the fake as for libxpc"},

	// Found in re-implementations only, or partly left to timing.
	"20":  {why: "package xpc counts suspensions itself until the activation"},
	"24":  {why: "Close activates what it cancels, so a program sees no difference"},
	"32":  {option: "SuspendedReplies"},
	"33":  {why: "Close balances the suspensions of what it cancels, so a program sees no difference"},
	"45":  {why: "the other order is that of a fault: crash before the delivery"},
	"73":  {why: "package xpc does not allow any backend to call a barrier inside the call"},
	"74":  {why: "another order would contradict the headers for any two barriers around a message"},
	"78":  {why: "a barrier that does not wait for the messages before it would contradict the headers"},
	"81":  {why: "any queue but the target queue fits; Shuffle takes the order away"},
	"102": {option: "HandlerIsBarrier", why: "a reply then stays behind the handler that sends it"},
	"118": {option: "CancelDiscardsSent"},
	"136": {option: "LoseAfterDeath"},
	"178": {option: "FinalizeInRelease"},
	"205": {why: "no source says that it comes twice"},

	"K-1":  {why: "the older rule is of systems that package xpc does not support"},
	"K-2":  {option: "SuspendedSends"},
	"K-3":  {option: "HandlerIsBarrier"},
	"K-4":  {why: "package xpc calls a finalizer only if there is a context"},
	"K-5":  {why: "the getters are package xpc's own"},
	"K-6":  {why: "package xpc reports a descriptor that cannot be duplicated as an error"},
	"K-7":  {why: "sessions are not bound"},
	"K-8":  {why: "about listener objects, which are not bound"},
	"K-9":  {option: "InterruptEndpoints"},
	"K-10": {option: "UnloadInvalidatesLate"},
	"K-11": {why: "about words"},
	"K-12": {why: "package xpc does not allow any backend to call a barrier inside the call"},
	"K-13": {why: "the fake allows the change; that libxpc may abort depends on the queue"},
	"K-14": {why: "about NULL in C"},
	"K-15": {why: "as row 131"},
	"K-16": {why: "a re-implementation's mistake"},
	"K-17": {why: "an endpoint in Go never is a connection"},
	"K-18": {why: "sessions and listener objects are not bound"},
	"K-19": {option: "SwapHandlersLate"},
	"K-20": {option: "UnloadInvalidatesLate", why: "with Unload and Load between the messages"},
}

// Every option about something open is in the table, and every row has one or a
// reason.
func TestEveryOpenRow(t *testing.T) {
	all := OpenQuestions()
	all["StrictPeers"] = StrictPeers() // not for every program
	used := map[string]bool{"Strict": true}
	for row, r := range openRows {
		require.True(t, r.option != "" || r.why != "", row)
		if r.option != "" {
			require.Contains(t, all, r.option, row)
			used[r.option] = true
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(all)), slices.Collect(maps.Keys(used)))
	require.ElementsMatch(t, slices.Collect(maps.Keys(all)), slices.Collect(maps.Keys(answers)), "each is tested")
}
