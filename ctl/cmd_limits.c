/*
 * The command limits: prints or resets the counts of rate limits. Owns nothing.
 * t/integration/test_limits_ctl.py covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/control_client.h"
#include "ctl/terminal.h"
#include "lib/base/print.h"

static long long number_of(const json_t *window, const char *name)
{
	return json_integer_value(json_object_get(window, name));
}

/* The recipients of messages that have not ended, and those whose messages were not sent. */
static void print_unsent(const json_t *window, bool is_by_attempts)
{
	const long long open = number_of(window, "open");
	const long long attempts = number_of(window, "attempts");
	const long long max = number_of(window, "attempts_max");

	if (open > 0)
		print_text(stdout, ", %lld of them reserved", open);
	if (is_by_attempts)
		print_text(stdout, ", but no attempts left (%lld of %lld)", attempts, max);
	else if (attempts > 0)
		print_text(stdout, ", %lld of %lld attempts", attempts, max);
}

static void print_window(const struct ctl *ctl, json_t *window)
{
	const long long left = number_of(window, "left");
	const bool is_by_attempts = left > 0 && number_of(window, "wait") != 0;
	const bool is_full = left == 0 || is_by_attempts;

	print_text(stdout, "  %-14s used %lld, left ",
		json_string_value(json_object_get(window, "limit")), number_of(window, "used"));
	terminal_paint(stdout, ctl->colour, is_full ? TERMINAL_RED : TERMINAL_GREEN);
	print_text(stdout, "%lld", left);
	terminal_paint(stdout, ctl->colour, TERMINAL_OFF);
	print_unsent(window, is_by_attempts);
	if (is_full)
		print_text(stdout, ", next in %s",
			json_string_value(json_object_get(window, "next")));
	print_end(stdout);
}

/* Tell whose count follows if a full ledger counts the key together with others. */
static void print_shared(const char *shared)
{
	if (shared != NULL && strcmp(shared, "its client") == 0)
		print_line(stdout,
			"  not counted by itself, since the ledger is full, but together with others of "
			"its client's network: see the key \"overflow NETWORK\"");
	else if (shared != NULL)
		print_line(stdout, "  counted together with others of %s, since the ledger is full",
			strcmp(shared, "all") == 0 ? "all networks" : shared);
}

static void print_limits(const struct ctl *ctl, json_t *answer)
{
	json_t *keys = json_object_get(answer, "keys"), *key, *windows;
	const long long count = json_integer_value(json_object_get(answer, "count"));
	const long long unsaved = json_integer_value(json_object_get(answer, "unsaved"));
	size_t i, j;

	if (json_object_get(answer, "count") != NULL && count == 0)
		print_line(stdout, "no limit has counted anything");
	else if (json_object_get(answer, "count") != NULL)
		print_line(stdout, "%lld key%s counted; those nearest to their limits:", count,
			count == 1 ? " is" : "s are");
	if (unsaved > 0)
		print_line(stdout, "%lld charge%s could not be saved", unsaved, command_s(unsaved));
	if (json_is_true(json_object_get(answer, "reset")) && json_array_size(keys) == 0)
		print_line(stdout, "the count was reset");
	for (i = 0; i < json_array_size(keys); i++) {
		key = json_array_get(keys, i);
		windows = json_object_get(key, "windows");
		print_line(stdout, "%s%s", json_string_value(json_object_get(key, "key")),
			json_is_false(json_object_get(key, "in_force")) ?
				": no limit applies to this key now; these are its former ones" :
				"");
		print_shared(json_string_value(json_object_get(key, "shared")));
		for (j = 0; j < json_array_size(windows); j++)
			print_window(ctl, json_array_get(windows, j));
	}
}

static json_t *request_of_top(const char *number)
{
	char *end = NULL;
	const long top = strtol(number, &end, 10);

	if (top <= 0 || *end != '\0')
		return NULL;
	return json_pack("{s:s, s:I}", "command", "limits", "top", (json_int_t)top);
}

/* Make the request for [top [NUMBER]] or KEY [reset], which is NULL when KEY is not UTF-8. Returns
 * false for other arguments. */
static bool make_request(int argc, char **argv, json_t **request_r)
{
	const bool is_top = argc > 1 && strcmp(argv[1], "top") == 0;
	const bool is_reset = argc == 3 && strcmp(argv[2], "reset") == 0;

	if (argc == 3 && is_top) {
		*request_r = request_of_top(argv[2]);
		return *request_r != NULL;
	}
	if (argc == 1 || (argc == 2 && is_top))
		*request_r = json_pack("{s:s}", "command", "limits");
	else
		*request_r = json_pack("{s:s, s:s, s:b}", "command", "limits", "key", argv[1],
			"reset", (int)is_reset);
	return argc <= 2 || is_reset;
}

int cmd_limits(const struct ctl *ctl, int argc, char **argv)
{
	json_t *request;

	argc = command_operands(argc, argv);
	if (make_request(argc, argv, &request))
		return control_client_show(ctl, request, print_limits);
	json_decref(request);
	return command_usage(ctl);
}
