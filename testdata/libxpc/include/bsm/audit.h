// The two names of the audit header that a program reading credentials needs.
#ifndef BSM_AUDIT_H
#define BSM_AUDIT_H

#include <sys/types.h>

typedef pid_t au_asid_t;
#define AU_ASSIGN_ASID -1

#endif
