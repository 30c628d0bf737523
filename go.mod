module github.com/go-xpc/xpc

go 1.25

require (
	github.com/progrium/macdriver v0.4.0 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	howett.net/plist v1.0.1 // indirect
)
