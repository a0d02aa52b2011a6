/*
 * The status section of the list files, and of paths whose file system does not answer. It runs on
 * the server thread.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/match/regexlist.h"
#include "milter/cache/cache_private.h"
#include "milter/log/json_text.h"
#include "milter/loop/clock.h"

#define READING_MS 10000 /* a list that is read for longer is a problem */

/* The names of the lists that are being read. */
static json_t *reading_json(const struct cache_status *s)
{
	json_t *names = json_array();

	for (int i = 0; i < LIST_COUNT; i++) {
		if (s->lists_reading[i] != 0 &&
			json_array_append_new(names, json_string(list_name((enum list_id)i))) !=
				0) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}

/* What the regexes of one list take. */
static json_t *regexes_json(const struct list *list)
{
	struct regexlist_size size;

	regexlist_measure(list_regexes(list), &size);
	return json_pack("{s:I, s:I, s:I, s:b, s:I, s:I}", "patterns", (json_int_t)size.regexes,
		"interpreted", (json_int_t)size.interpreted, "always_tried",
		(json_int_t)size.untested, "prepared",
		(int)regexlist_is_prepared(list_regexes(list)), "prepare_ms",
		(json_int_t)(size.prepared_ns / 1000000), "bytes", (json_int_t)size.bytes);
}

/* The regex lists in force that are not empty, by their names. */
static json_t *all_regexes_json(const struct policy *policy)
{
	json_t *all = json_object();

	for (int i = 0; policy != NULL && i < LIST_COUNT; i++) {
		const struct list *list = policy_parts(policy)->lists[i];

		if (list != NULL && regexlist_count(list_regexes(list)) > 0)
			(void)json_object_set_new(all, list_name((enum list_id)i),
				regexes_json(list));
	}
	return all;
}

/* The memory of each list in force that is not empty, by their names. */
static json_t *all_bytes_json(const struct policy *policy)
{
	json_t *all = json_object();

	for (int i = 0; policy != NULL && i < LIST_COUNT; i++) {
		const struct list *list = policy_parts(policy)->lists[i];

		if (list != NULL && list_entries(list) > 0)
			(void)json_object_set_new(all, list_name((enum list_id)i),
				json_integer((json_int_t)list_bytes(list)));
	}
	return all;
}

json_t *cache_describe_lists(void *context)
{
	json_t *entries = json_object();
	json_t *reading, *bytes, *regexes;
	struct policy *policy;
	struct cache_status s;

	if (cache_copy_status(context, &s) != 0) {
		json_decref(entries);
		return NULL;
	}
	for (int i = 0; i < LIST_COUNT; i++) {
		if (json_object_set_new(entries, list_name((enum list_id)i),
			    json_integer((json_int_t)s.list_entries[i])) != 0) {
			json_decref(entries);
			entries = NULL; /* so that json_pack() fails */
		}
	}
	reading = reading_json(&s);
	policy = cache_policy(context);
	bytes = all_bytes_json(policy);
	regexes = all_regexes_json(policy);
	policy_unref(&policy);
	cache_status_free(&s);
	return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o}", "entries", entries, "bytes", bytes,
		"reading", reading, "files_polled", (int)(s.polled_for != 0), "error",
		json_text_or_null(s.list_error), "regexes", regexes);
}

#define TIME_SIZE 32

static void format_time(time_t when, char text_r[TIME_SIZE])
{
	struct tm tm;

	(void)strftime(text_r, TIME_SIZE, "%Y-%m-%d %H:%M:%S", localtime_r(&when, &tm));
}

/* Report the paths whose file system does not answer. */
static void check_hangs(const struct cache_status *s, struct status_health *health)
{
	for (size_t i = 0; i < s->hang_count && i < CACHE_HANGS; i++) {
		const int64_t waited = (clock_ms() - s->hangs[i].since) / 1000;
		char text[TIME_SIZE], more[64] = "";

		format_time(time(NULL) - (time_t)waited, text);
		if (i == CACHE_HANGS - 1 && s->hang_count > CACHE_HANGS)
			(void)text_format(more, sizeof(more), "; nor have %zu more paths",
				s->hang_count - CACHE_HANGS);
		status_add_problem(health,
			"Check the mount and its server; Postern goes on when it answers. It is better "
			"to keep these files on a local disk.",
			"%s has not answered for %lld s; changes there since %s are not in force%s",
			s->hangs[i].path, (long long)waited, text, more);
	}
}

/* Report why the first list that cannot be used cannot, and name the others. */
static void add_unreadable_lists(const struct cache_status *s, struct status_health *health)
{
	char others[512] = "", since[TIME_SIZE];
	time_t first = 0;
	size_t found = 0;

	for (int i = 0; i < LIST_COUNT; i++) {
		const time_t when = s->right.wrong_since[i];
		const size_t len = strlen(others);

		if (!s->list_is_unreadable[i])
			continue;
		if (first == 0 || (when != 0 && when < first))
			first = when;
		if (found++ > 0)
			(void)text_format(others + len, sizeof(others) - len, "%s%s",
				len == 0 ? "; also " : ", ", list_name((enum list_id)i));
	}
	format_time(first, since);
	status_add_problem(health,
		"Correct the file, its mode, or that of the directory; Postern reads it again when it "
		"changes. If a program is writing it, wait for its end. The log has the reason for "
		"each file.",
		"%zu list file%s cannot be used: %s%s (since %s)", s->lists_unreadable,
		s->lists_unreadable == 1 ? "" : "s", s->list_error, others, since);
}

void cache_check_list_files(const struct cache_status *s, int64_t now, struct status_health *health)
{
	if (s->lists_unreadable > 0)
		add_unreadable_lists(s, health);
	for (int i = 0; i < LIST_COUNT; i++) {
		if (s->lists_reading[i] == 0 || now - s->lists_reading[i] < READING_MS)
			continue;
		status_add_problem(health,
			"Wait until it has been read, or shorten the list: a megabyte takes about "
			"0.1 s, or 1 s with names beyond ASCII. If it takes longer, check whether "
			"its file system answers.",
			"reading list file %s has taken %lld s so far; until it has been read, %s",
			list_name((enum list_id)i), (long long)(now - s->lists_reading[i]) / 1000,
			s->serial == 0 ? "there is no policy" : "the earlier list is in force");
	}
}

/* Return what to do if the system gives no inotify, or if that refuses a folder. */
static const char *remedy_of_polling(int error, bool is_of_folder)
{
	switch (error) {
	case EACCES:
		return "Let the daemon's user read the directory, and enter those above it; postern "
		       "tries again by itself.";
	case ENOSPC:
		return "Raise the sysctl fs.inotify.max_user_watches; postern tries again by itself.";
	case EMFILE:
		return "Raise the sysctl fs.inotify.max_user_instances or, if the daemon has too many "
		       "open files, its limit of them (LimitNOFILE= of systemd), then restart postern.";
	case ENFILE:
		return "Raise the sysctl fs.file-max, then restart postern.";
	case ENOMEM:
		return is_of_folder ?
			"Give the system more memory; postern tries again by itself." :
			"Give the system more memory, then restart postern.";
	default:
		return is_of_folder ?
			"Remove the cause that the message names; postern tries again by itself." :
			"Use a kernel, or a sandbox, that has inotify, then restart postern.";
	}
}

void cache_check_polled_files(const struct cache_status *s, struct status_health *health)
{
	const bool is_of_folder = s->polled_folder[0] != '\0';

	if (s->polled_for == 0)
		return;
	status_add_problem(health, remedy_of_polling(s->polled_for, is_of_folder),
		"inotify does not report changes of files%s%s, so they are found later: %s",
		is_of_folder ? " in " : "", s->polled_folder, strerror(s->polled_for));
}

void cache_check_lists(void *context, struct status_health *health)
{
	struct cache_status s;

	if (cache_copy_status(context, &s) != 0)
		return;
	check_hangs(&s, health);
	if (s.looks_refused != 0)
		status_add_problem(health, MORE_THREADS,
			"the system refuses the threads that look at the files, so that other changes "
			"wait for them: %s",
			strerror(s.looks_refused));
	if (s.lists_are_gone)
		status_add_problem(health, "Restore the directory, or correct [lists] directory.",
			"%s: the directory of the lists does not exist; lists that were read before "
			"stay in force, others are empty",
			s.lists_folder);
	cache_check_list_files(&s, clock_ms(), health);
	cache_check_polled_files(&s, health);
	cache_status_free(&s);
}
