package xpctest

var objects = []Case{}
