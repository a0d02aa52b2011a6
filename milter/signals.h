#ifndef POSTERN_SIGNALS_H
#define POSTERN_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/*
 * The daemon's signals, all handled in the main thread, where they are unblocked once libmilter
 * runs.
 */
enum signals_word {
	SIGNALS_RELOAD, /* SIGUSR1 */
	SIGNALS_END,	/* SIGTERM, SIGINT; in the foreground SIGHUP, else ignored */
	SIGNALS_LOOK,	/* wake_signal, or nothing at all: look what there is to do */
};

/*
 * Set the handlers, and block the signals for now: each thread that is started begins with them
 * blocked. *signals_r: which they are.
 */
void signals_take(bool foreground, int wake_signal, sigset_t *signals_r);

/* Wait for the next word. After SIGNALS_END, *signal_r is what said it. The main thread alone. */
enum signals_word signals_wait(int *signal_r);

#endif
