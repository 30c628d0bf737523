/* macdriver's dispatch includes Foundation and needs only the types of libobjc. */
#include <objc/objc.h>
