/*
 * Counts the connections that have to wait for a descriptor, and logs the count once a minute.
 * Owns the total of all listeners, which is atomic; the counts of a listener belong to its thread.
 */
#include "milter/loop/accept_delay.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "milter/log/quote.h"

#define LOG_EVERY_MS 60000

static atomic_uint_fast64_t total;
static atomic_int_fast64_t last;
static atomic_int last_error;

bool accept_delay_is_needed(int error)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
	case EPERM: /* a firewall's */
	case EPROTO:
		return false;
	default:
		return true;
	}
}

static void log_delays(struct accept_delay *delay, int64_t now)
{
	if (delay->unlogged == 0 || (delay->logged != 0 && now - delay->logged < LOG_EVERY_MS))
		return;
	quote_log(LOG_LEVEL_ERROR, "error", strerror(delay->error),
		"accept=delayed socket=%s times=%lu", delay->socket, delay->unlogged);
	delay->logged = now;
	delay->unlogged = 0;
}

void accept_delay_add(struct accept_delay *delay, int error, int64_t now)
{
	atomic_fetch_add(&total, 1);
	atomic_store(&last, now);
	atomic_store(&last_error, error);
	delay->unlogged++;
	delay->error = error;
	log_delays(delay, now);
}

void accept_delay_end(struct accept_delay *delay, int64_t now)
{
	log_delays(delay, now);
}

struct accept_delays accept_delays(void)
{
	return (struct accept_delays){
		.count = atomic_load(&total),
		.last = atomic_load(&last),
		.error = atomic_load(&last_error),
	};
}
