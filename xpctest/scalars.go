package xpctest

var scalars = []Case{}
