// Objects are plain C pointers here, whatever OS_OBJECT_USE_OBJC says.
#ifndef OS_OBJECT_H
#define OS_OBJECT_H

#ifndef OS_OBJECT_USE_OBJC
#define OS_OBJECT_USE_OBJC 0
#endif

#endif
