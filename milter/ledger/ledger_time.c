/*
 * The ledger's time, which the machine's clocks and the last saved moment determine. Owns nothing;
 * any thread may read the time.
 */
#include "milter/ledger/ledger_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND UINT64_C(1000000)
#define NEW_LEDGER (1000 * SECOND) /* where the time of a new ledger begins */

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now = { .tv_sec = 0 };

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec / 1000;
}

void ledger_clocks_read(struct ledger_clocks *clocks_r)
{
	FILE *id = fopen("/proc/sys/kernel/random/boot_id", "re");

	*clocks_r = (struct ledger_clocks){
		.boottime = read_clock(CLOCK_BOOTTIME),
		.wall = (int64_t)read_clock(CLOCK_REALTIME),
	};
	if (id == NULL)
		return;
	if (fgets(clocks_r->boot_id, sizeof(clocks_r->boot_id), id) == NULL)
		clocks_r->boot_id[0] = '\0';
	clocks_r->boot_id[strcspn(clocks_r->boot_id, "\n")] = '\0';
	(void)fclose(id);
}

/* Return whether the moment belongs to the boot of these clocks. */
static bool is_same_boot(const struct frame_moment *moment, const struct ledger_clocks *clocks)
{
	return clocks->boot_id[0] != '\0' &&
		strncmp(moment->boot_id, clocks->boot_id, sizeof(moment->boot_id)) == 0 &&
		clocks->boottime >= moment->boottime;
}

void ledger_time_begin(struct ledger_time *time_r, const struct frame_moment *last, uint64_t newest,
	const struct ledger_clocks *clocks)
{
	uint64_t now = last == NULL ? NEW_LEDGER : last->now;

	if (last != NULL && is_same_boot(last, clocks))
		now += clocks->boottime - last->boottime;
	else if (last != NULL && clocks->wall > last->wall)
		now += (uint64_t)(clocks->wall - last->wall);
	if (now < newest)
		now = newest;
	time_r->offset = (int64_t)now - (int64_t)clocks->boottime;
	memcpy(time_r->boot_id, clocks->boot_id, sizeof(time_r->boot_id));
}

uint64_t ledger_time_now(const struct ledger_time *time)
{
	return (uint64_t)((int64_t)read_clock(CLOCK_BOOTTIME) + time->offset);
}

void ledger_time_add_moment(const struct ledger_time *time, struct strbuf *buf)
{
	struct frame_moment moment = {
		.boottime = read_clock(CLOCK_BOOTTIME),
		.wall = (int64_t)read_clock(CLOCK_REALTIME),
	};

	moment.now = (uint64_t)((int64_t)moment.boottime + time->offset);
	memcpy(moment.boot_id, time->boot_id, sizeof(moment.boot_id));
	frame_add(buf, FRAME_MOMENT, &moment, sizeof(moment));
}
