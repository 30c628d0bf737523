module github.com/go-xpc/xpc

go 1.25
