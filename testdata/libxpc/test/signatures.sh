#!/bin/sh
# Writes C that assigns each function of our headers to a pointer of the type
# that we declare. It must compile against our headers and against Apple's.
dir=$(dirname "$0")/../include/xpc
echo '#define OS_OBJECT_USE_OBJC 0'
echo '#include <xpc/xpc.h>'
cat "$dir/xpc.h" "$dir/connection.h" "$dir/endpoint.h" | sed 's://.*::' | tr '\n' ' ' | tr ';' '\n' |
	sed -n 's/^.*XS_API \(.*[ *]\)\(xpc_[a-z0-9_]*\)(\([^()]*\)).*$/static \1(*check_\2)(\3) __attribute__((unused)) = \2;/p'
