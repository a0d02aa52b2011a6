/*
 * The command reload: waits until the daemon has read everything again, and prints the problems
 * that it found. Owns nothing. t/integration/test_control.py covers it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/control_client.h"
#include "ctl/terminal.h"
#include "lib/base/print.h"
#include "lib/conf/config.h"

static void print_texts(const struct ctl *ctl, const char *label, json_t *texts)
{
	json_t *text;
	size_t i;

	json_array_foreach (texts, i, text) {
		terminal_word(stdout, ctl->colour, TERMINAL_YELLOW, label);
		print_line(stdout, ": %s", json_string_value(text));
	}
}

static void print_reload(const struct ctl *ctl, json_t *answer)
{
	const long long problems = json_integer_value(json_object_get(answer, "problem_count"));
	const long long notes = json_integer_value(json_object_get(answer, "note_count"));

	print_texts(ctl, "problem", json_object_get(answer, "problems"));
	print_texts(ctl, "note", json_object_get(answer, "notes"));
	if (!json_is_true(json_object_get(answer, "ok")))
		return;
	print_text(stdout, "policy %lld is in force, %lld problem%s",
		(long long)json_integer_value(json_object_get(answer, "serial")), problems,
		command_s(problems));
	if (notes > 0)
		print_text(stdout, ", %lld note%s", notes, command_s(notes));
	print_end(stdout);
}

static void report_failure(const struct errmsg *err)
{
	print_line(stderr, "posternctl: the reload failed: %s", err->text);
	print_line(stderr,
		"Files that could not be read stay in force as they were; 'posternctl status' shows "
		"the state.");
}

/* If there is no answer, an error of the configuration may be the reason. Returns code. */
static int report_no_answer(const struct ctl *ctl, int code, const struct errmsg *err)
{
	const struct config *config = NULL;
	struct errmsg why;

	if (ctl->socket_path == NULL && config_load(ctl->config_path, &config, &why) != 0 &&
		strcmp(why.text, err->text) != 0)
		print_line(stderr, "posternctl: warning: %s", why.text);
	config_unref(&config);
	return command_fail(code, err);
}

int cmd_reload(const struct ctl *ctl, int argc, char **argv)
{
	struct errmsg err;
	json_t *answer;
	int ret;
	const bool accept_older = command_has_option(ctl, argc, argv, "--accept-older", &ret);

	if (ret != CTL_OK)
		return ret;
	ret = control_client_once(ctl,
		json_pack("{s:s, s:b}", "command", "reload", "accept_older", (int)accept_older),
		&answer, &err);
	/* A reload that failed still answers with the problems. */
	if (answer != NULL && ctl->json)
		(void)command_print_json(answer);
	else if (answer != NULL)
		print_reload(ctl, answer);
	if (ret == CTL_FAILED)
		report_failure(&err);
	else if (ret != CTL_OK)
		ret = report_no_answer(ctl, ret, &err);
	json_decref(answer);
	return ret;
}
