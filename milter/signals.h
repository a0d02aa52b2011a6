#ifndef POSTERN_SIGNALS_H
#define POSTERN_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* The daemon's signals. All functions are for the main thread only. */
enum signals_word {
	SIGNALS_RELOAD,	 /* SIGUSR1 */
	SIGNALS_END,	 /* SIGTERM, SIGINT; in the foreground SIGHUP */
	SIGNALS_IGNORED, /* SIGHUP in the background, where no terminal can hang up */
	SIGNALS_LOOK,	 /* wake_signal, or an interrupted wait: the caller checks for work */
};

/* Block the signals in this thread and in those that it starts from now on. */
void signals_take(bool foreground, int wake_signal);

/* Wait for the next signal. *signal_r is set with SIGNALS_END only: the signal's number. */
enum signals_word signals_wait(int *signal_r);

#endif
