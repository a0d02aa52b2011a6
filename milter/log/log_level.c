/*
 * The levels of log lines: their names, and the one below which nothing is logged; and the names of
 * facilities. Owns that level, which any thread may read or change. t/unit/test_log.c covers it.
 */
#include "milter/log/log_level.h"

#include <stdatomic.h>
#include <strings.h>

static atomic_int current_level = LOG_LEVEL_INFO;

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING },
	{ "notice", LOG_LEVEL_NOTICE },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

#define LEVEL_COUNT (sizeof(levels) / sizeof(levels[0]))

int log_level_parse(const char *name, enum log_level *level_r)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (strcasecmp(name, levels[i].name) == 0) {
			*level_r = levels[i].level;
			return 0;
		}
	}
	return -1;
}

const char *log_level_name(enum log_level level)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (levels[i].level == level)
			return levels[i].name;
	}
	return "error"; /* for LOG_CRIT and worse */
}

void log_set_level(enum log_level level)
{
	atomic_store(&current_level, (int)level);
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

bool log_wants(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

int log_facility_parse(const char *name)
{
	static const struct {
		const char *name;
		int facility;
	} facilities[] = { { "mail", LOG_MAIL }, { "daemon", LOG_DAEMON }, { "user", LOG_USER },
		{ "auth", LOG_AUTH }, { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
		{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 },
		{ "local5", LOG_LOCAL5 }, { "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 } };

	for (size_t i = 0; i < sizeof(facilities) / sizeof(facilities[0]); i++) {
		if (strcasecmp(name, facilities[i].name) == 0)
			return facilities[i].facility;
	}
	return -1;
}
