package xpctest

var resources = []Case{}
