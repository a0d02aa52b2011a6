#include "milter/signals.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>

static sem_t signalled;
static atomic_int ending_signal, reload_wanted;

static void on_end(int signal)
{
	atomic_store(&ending_signal, signal);
	(void)sem_post(&signalled);
}

static void on_reload(int signal)
{
	(void)signal;
	atomic_store(&reload_wanted, 1);
	(void)sem_post(&signalled);
}

static void on_wake(int signal)
{
	(void)signal;
	(void)sem_post(&signalled);
}

static void take(int signal, void (*handler)(int), sigset_t *signals)
{
	const struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	(void)sigaction(signal, &action, NULL);
	(void)sigaddset(signals, signal);
}

void signals_take(bool foreground, int wake_signal, sigset_t *signals_r)
{
	(void)sem_init(&signalled, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(signals_r);
	take(SIGTERM, on_end, signals_r);
	take(SIGINT, on_end, signals_r);
	/* In the background there is no terminal to hang up, and SIGHUP no way to reload. */
	take(SIGHUP, foreground ? on_end : SIG_IGN, signals_r);
	take(SIGUSR1, on_reload, signals_r);
	take(wake_signal, on_wake, signals_r);
	(void)pthread_sigmask(SIG_BLOCK, signals_r, NULL);
}

enum signals_word signals_wait(int *signal_r)
{
	if (atomic_load(&ending_signal) == 0 && atomic_load(&reload_wanted) == 0)
		(void)sem_wait(&signalled); /* or interrupted: just as good */
	if ((*signal_r = atomic_load(&ending_signal)) != 0)
		return SIGNALS_END;
	return atomic_exchange(&reload_wanted, 0) != 0 ? SIGNALS_RELOAD : SIGNALS_LOOK;
}
