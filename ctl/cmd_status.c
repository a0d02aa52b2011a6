#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/command.h"
#include "ctl/paint.h"
#include "ctl/talk.h"

#define PROBLEMS_SHOWN 20

static const char *get(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

static long long number(json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* "3 d 4 h", "5 min", "12 s": the two largest units. */
static const char *duration(long long seconds, char text[40])
{
	if (seconds < 0)
		seconds = 0;
	if (seconds >= 86400)
		(void)snprintf(text, 40, "%lld d %lld h", seconds / 86400, seconds % 86400 / 3600);
	else if (seconds >= 3600)
		(void)snprintf(text, 40, "%lld h %lld min", seconds / 3600, seconds % 3600 / 60);
	else if (seconds >= 60)
		(void)snprintf(text, 40, "%lld min %lld s", seconds / 60, seconds % 60);
	else
		(void)snprintf(text, 40, "%lld s", seconds);
	return text;
}

static const char *clock_time(json_t *object, const char *key, char text[40])
{
	const time_t when = (time_t)number(object, key);
	struct tm tm;

	if (when == 0)
		return "never";
	(void)localtime_r(&when, &tm);
	(void)strftime(text, 40, "%Y-%m-%d %H:%M:%S", &tm);
	return text;
}

static void print_trouble(const struct ctl *ctl, const char *what, const char *text)
{
	if (text[0] != '\0')
		(void)printf("%-10s %s%s%s\n", what, paint(ctl->colour, PAINT_RED), text,
			paint(ctl->colour, PAINT_OFF));
}

static void print_policy(const struct ctl *ctl, json_t *cache)
{
	json_t *policy = json_object_get(cache, "policy");
	const char *source = get(policy, "source");
	bool none = strcmp(source, "none") == 0;
	char text[40];

	if (none) {
		print_trouble(ctl, "policy",
			"none yet: mail is answered as [milter] on_error says");
		return;
	}
	(void)printf("policy     number %lld from the %s%s%s, in force since %s\n",
		number(policy, "serial"), paint(ctl->colour, PAINT_BOLD), source,
		paint(ctl->colour, PAINT_OFF), clock_time(policy, "published", text));
	(void)printf("           known to be right %s ago\n",
		duration(number(policy, "age"), text));
	(void)printf("rows       %lld user%s, %lld profile%s\n", number(cache, "users"),
		command_s(number(cache, "users")), number(cache, "profiles"),
		command_s(number(cache, "profiles")));
}

static void print_database(const struct ctl *ctl, json_t *cache)
{
	json_t *database = json_object_get(cache, "database");
	const char *state = get(database, "state");
	bool good = strcmp(state, "listening") == 0 || strcmp(state, "polling") == 0;
	char text[40];

	if (strcmp(state, "off") == 0)
		return;
	(void)printf("database   %s%s%s since %s%s%s%s\n",
		paint(ctl->colour, good ? PAINT_GREEN : PAINT_RED), state,
		paint(ctl->colour, PAINT_OFF), clock_time(database, "since", text),
		get(database, "server")[0] == '\0' ? "" : ", ", get(database, "server"),
		json_is_true(json_object_get(database, "feed")) ? ", with change feed" : "");
	print_trouble(ctl, "", get(database, "error"));
}

static void print_lists(json_t *cache)
{
	const char *before = "lists      ";
	const char *name;
	json_t *count;

	json_object_foreach (json_object_get(cache, "lists"), name, count) {
		if (json_integer_value(count) > 0) {
			(void)printf("%s%s: %lld\n", before, name,
				(long long)json_integer_value(count));
			before = "           ";
		}
	}
}

static void print_problems(const struct ctl *ctl, json_t *cache)
{
	json_t *problems = json_object_get(cache, "problems");
	const long long all = number(cache, "problem_count");
	json_t *problem;
	size_t i;

	if (all == 0)
		return;
	(void)printf("problems   %s%lld%s\n", paint(ctl->colour, PAINT_YELLOW), all,
		paint(ctl->colour, PAINT_OFF));
	json_array_foreach (problems, i, problem) {
		if (i == PROBLEMS_SHOWN)
			break;
		(void)printf("           %s\n", json_string_value(problem));
	}
	if (all > PROBLEMS_SHOWN)
		(void)printf("           and %lld more: see --json, or the log\n",
			all - PROBLEMS_SHOWN);
}

static void print_auth(const struct ctl *ctl, json_t *auth)
{
	if (json_object_get(auth, "connections") != NULL) {
		(void)printf(
			"logins     %lld accepted (%lld from the cache), %lld refused, %lld undecided\n",
			number(auth, "accepted"), number(auth, "accepted_cached"),
			number(auth, "refused"), number(auth, "undecided"));
		(void)printf("           %lld connection%s, %lld being decided or held back\n",
			number(auth, "connections"), command_s(number(auth, "connections")),
			number(auth, "waiting"));
	}
	print_trouble(ctl, "keys", get(auth, "keys_error"));
	if (number(auth, "penalized_logins") + number(auth, "penalized_networks") > 0)
		(void)printf("penalties  %lld login%s and %lld network%s with failures\n",
			number(auth, "penalized_logins"),
			command_s(number(auth, "penalized_logins")),
			number(auth, "penalized_networks"),
			command_s(number(auth, "penalized_networks")));
	if (number(auth, "suspended") > 0)
		(void)printf("suspended  %lld login%s, on this machine\n",
			number(auth, "suspended"), command_s(number(auth, "suspended")));
}

static void print_status(const struct ctl *ctl, json_t *answer)
{
	json_t *daemon = json_object_get(answer, "daemon");
	json_t *cache = json_object_get(answer, "cache");
	char text[40];

	(void)printf("postern    %s, process %lld, up %s\n", get(daemon, "version"),
		number(daemon, "pid"), duration(number(daemon, "uptime"), text));
	(void)printf("sessions   %lld open, %lld since the start\n",
		number(daemon, "sessions_open"), number(daemon, "sessions"));
	print_policy(ctl, cache);
	print_database(ctl, cache);
	print_auth(ctl, json_object_get(answer, "auth"));
	print_lists(cache);
	print_problems(ctl, cache);
	print_trouble(ctl, "store", get(json_object_get(cache, "store"), "error"));
	print_trouble(ctl, "load", get(cache, "load_error"));
	print_trouble(ctl, "config", get(cache, "config_error"));
	if (number(daemon, "log_dropped") > 0)
		(void)printf("log        %s%lld line%s lost%s\n", paint(ctl->colour, PAINT_YELLOW),
			number(daemon, "log_dropped"), command_s(number(daemon, "log_dropped")),
			paint(ctl->colour, PAINT_OFF));
}

int cmd_status(const struct ctl *ctl, int argc, char **argv)
{
	struct errmsg err;
	json_t *answer;
	int ret = command_no_arguments(argc, argv);

	if (ret != CTL_OK)
		return ret;
	ret = talk_once(ctl, json_pack("{s:s}", "command", "status"), &answer, &err);
	if (ret != CTL_OK)
		ret = command_fail(ret, &err);
	else if (ctl->json)
		command_print_json(answer);
	else
		print_status(ctl, answer);
	json_decref(answer);
	return ret;
}
