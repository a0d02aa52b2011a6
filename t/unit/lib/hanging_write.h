#ifndef POSTERN_HANGING_WRITE_H
#define POSTERN_HANGING_WRITE_H

/*
 * A write() in place of the C library's that hangs: while it is held, writes to regular files of
 * this process wait, as those to a server that is gone.
 */
void hanging_write_hold(void);
void hanging_write_release(void);

/* Wait until a write hangs. */
void hanging_write_await(void);

#endif
