#ifndef POSTERN_STACK_H
#define POSTERN_STACK_H

#include <stddef.h>

/*
 * Bytes of stack that reading a policy needs at most, with a wide margin: PCRE2 calls itself for
 * each level of nested groups, and needs more than 128 KiB for as many as it permits.
 */
#define STACK_MIN ((size_t)2 << 20)

/*
 * Call work, and return its result. If RLIMIT_STACK gives the present thread less than STACK_MIN,
 * call it in a thread that has as much, while this one waits with all signals blocked; if the
 * system refuses that thread, in this one. To be called by the only thread of a process.
 */
int stack_call(int (*work)(void *context), void *context);

#endif
