/*
 * The daemon's signals. They are blocked in every thread, and the main thread fetches them one by
 * one, so no handler interrupts anything. Main thread only.
 */
#include "milter/signals.h"

#include <stddef.h>

static sigset_t taken;
static bool has_terminal; /* that could hang up */

void signals_take(bool foreground, int wake_signal)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a limit of file size is an error, like a full disk */
	(void)sigemptyset(&taken);
	(void)sigaddset(&taken, SIGTERM);
	(void)sigaddset(&taken, SIGINT);
	(void)sigaddset(&taken, SIGUSR1);
	(void)sigaddset(&taken, SIGHUP);
	(void)sigaddset(&taken, wake_signal);
	has_terminal = foreground;
	(void)pthread_sigmask(SIG_BLOCK, &taken, NULL);
}

enum signals_word signals_wait(int *signal_r)
{
	int number = sigwaitinfo(&taken, NULL);

	if (number == SIGUSR1)
		return SIGNALS_RELOAD;
	if (number == SIGHUP && !has_terminal)
		return SIGNALS_IGNORED;
	if (number != SIGTERM && number != SIGINT && number != SIGHUP)
		return SIGNALS_LOOK;
	*signal_r = number;
	return SIGNALS_END;
}
