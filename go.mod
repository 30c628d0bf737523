module github.com/go-xpc/xpc

go 1.25

require (
	github.com/progrium/macdriver v0.4.0
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
	howett.net/plist v1.0.1
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
