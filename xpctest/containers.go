package xpctest

var containers = []Case{}
