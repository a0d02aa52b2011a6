/*
 * Prints the result of milter_load as a table or as a line of JSON. Runs in the main thread after
 * the workers have ended.
 */
#include "t/bench/lib/report.h"

#include <jansson.h>
#include <stdio.h>

static double per_second(uint64_t count, double seconds)
{
	return seconds > 0 ? (double)count / seconds : 0;
}

static void row(const char *name, const struct histogram *histogram, double seconds)
{
	if (histogram->count == 0)
		return;
	printf("%-10s %10llu %10.0f %10.1f %10.1f %10.1f %10.1f\n", name,
		(unsigned long long)histogram->count, per_second(histogram->count, seconds),
		histogram_mean(histogram) / 1e3, (double)histogram_percentile(histogram, 50) / 1e3,
		(double)histogram_percentile(histogram, 99) / 1e3, (double)histogram->max_ns / 1e3);
}

void report_table(const struct load_options *options, const struct load_result *result)
{
	printf("%zu connections, %s, %zu idle beside, %zu threads, %.2f s; the filter wants "
	       "actions 0x%x, protocol 0x%x\n",
		options->connections,
		options->is_session_each ? "a new one for each message" : "kept", options->idle,
		options->threads, result->seconds, result->actions, result->protocol);
	printf("%-10s %10s %10s %10s %10s %10s %10s\n", "", "count", "a second", "mean us",
		"p50 us", "p99 us", "max us");
	row("session", &result->sessions, result->seconds);
	row("message", &result->messages, result->seconds);
	for (enum mta_stage stage = 0; stage < MTA_STAGES; stage++)
		row(mta_stage_name(stage), &result->callbacks[stage], result->seconds);
	printf("messages:");
	for (enum mta_verdict verdict = MTA_ACCEPTED; verdict < MTA_VERDICTS; verdict++)
		printf(" %s %llu%s", mta_verdict_name(verdict),
			(unsigned long long)result->verdicts[verdict],
			verdict + 1 < MTA_VERDICTS ? "," : "");
	printf("; recipients refused %llu; changes asked %llu; connect retries %llu\n",
		(unsigned long long)result->rcpts_refused, (unsigned long long)result->changes,
		(unsigned long long)result->connect_retries);
	if (result->is_stuck)
		printf("STUCK: no answer for %.0f s\n", options->patience);
}

static json_t *json_histogram(const struct histogram *histogram, double seconds)
{
	return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f}", "count", (json_int_t)histogram->count,
		"per_second", per_second(histogram->count, seconds), "mean_us",
		histogram_mean(histogram) / 1e3, "p50_us",
		(double)histogram_percentile(histogram, 50) / 1e3, "p99_us",
		(double)histogram_percentile(histogram, 99) / 1e3, "max_us",
		(double)histogram->max_ns / 1e3);
}

void report_json(const struct load_options *options, const struct load_result *result)
{
	json_t *callbacks = json_object(), *verdicts = json_object(), *report;

	for (enum mta_stage stage = 0; stage < MTA_STAGES; stage++)
		if (result->callbacks[stage].count > 0)
			json_object_set_new(callbacks, mta_stage_name(stage),
				json_histogram(&result->callbacks[stage], result->seconds));
	for (enum mta_verdict verdict = MTA_ACCEPTED; verdict < MTA_VERDICTS; verdict++)
		json_object_set_new(verdicts, mta_verdict_name(verdict),
			json_integer((json_int_t)result->verdicts[verdict]));
	report = json_pack(
		"{s:I, s:I, s:b, s:f, s:f, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I,"
		" s:b}",
		"connections", (json_int_t)options->connections, "idle", (json_int_t)options->idle,
		"session_each", options->is_session_each, "seconds", result->seconds, "cpu_seconds",
		result->cpu_seconds, "actions", (json_int_t)result->actions, "protocol",
		(json_int_t)result->protocol, "macros", result->macros_asked, "sessions",
		json_histogram(&result->sessions, result->seconds), "messages",
		json_histogram(&result->messages, result->seconds), "callbacks", callbacks,
		"verdicts", verdicts, "rcpts_refused", (json_int_t)result->rcpts_refused, "changes",
		(json_int_t)result->changes, "connect_retries", (json_int_t)result->connect_retries,
		"stuck", result->is_stuck);
	json_dumpf(report, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(report);
}
