/*
 * The commands about logins: suspend, resume, suspended and auth reset. Owns nothing.
 * t/integration/test_auth.py covers it.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/control_client.h"
#include "lib/base/print.h"
#include "lib/base/utf8.h"
#include "lib/base/visible.h"

static void print_suspension(const struct ctl *ctl, json_t *answer)
{
	static const char *const results[2][2] = {
		{ "was not suspended", "is no longer suspended" },
		{ "was suspended already", "is suspended" },
	};
	const bool suspended = json_is_true(json_object_get(answer, "suspended"));
	const bool changed = json_is_true(json_object_get(answer, "changed"));
	const char *unsaved = json_string_value(json_object_get(answer, "unsaved"));
	const char *login = json_string_value(json_object_get(answer, "login"));
	const char *tokens = json_string_value(json_object_get(answer, "token_login"));

	(void)ctl;
	if (json_is_true(json_object_get(answer, "known")))
		print_line(stdout, "%s %s", login, results[suspended][changed]);
	else
		print_line(stdout, "'%s' %s (the tables contain no user of that name)", login,
			results[suspended][changed]);
	if (tokens != NULL)
		print_line(stdout,
			"A login with a token is not stopped by that. To stop it, too: posternctl "
			"suspend %s:MAIL",
			tokens);
	if (unsaved == NULL)
		return;
	(void)fflush(stdout);
	print_line(stderr,
		"posternctl: a restart will forget this, unless the file can be written until then: %s",
		unsaved);
	print_line(stderr,
		"The daemon tries again every few seconds; posternctl status shows "
		"whether it succeeds.");
}

static void print_suspended(const struct ctl *ctl, json_t *answer)
{
	json_t *login;
	size_t i;

	(void)ctl;
	json_array_foreach (json_object_get(answer, "logins"), i, login) {
		print_line(stdout, "%s", json_string_value(login));
	}
}

static void print_forgiven(const struct ctl *ctl, json_t *answer)
{
	const long long count = json_integer_value(json_object_get(answer, "forgiven"));

	(void)ctl;
	print_line(stdout, "%lld entr%s with failures removed", count, count == 1 ? "y" : "ies");
}

/* With [limits] on_limit = suspend, the next recipient suspends a login again whose limit is full,
 * or whose attempts are used up. */
static void warn_of_full_limits(const struct ctl *ctl, const char *login)
{
	struct strbuf shown = STRBUF_INIT;
	json_t *request, *answer = NULL, *key, *window;
	struct errmsg err;
	size_t i;

	strbuf_add_str(&shown, "login:");
	visible_add(&shown, login, strlen(login)); /* the daemon reads keys in this form */
	request = shown.failed ? NULL :
				 json_pack("{s:s, s:s}", "command", "limits", "key", shown.text);
	strbuf_free(&shown);
	if (control_client_once(ctl, request, &answer, &err) == CTL_OK) {
		key = json_array_get(json_object_get(answer, "keys"), 0);
		json_array_foreach (json_object_get(key, "windows"), i, window) {
			const char *limit = json_string_value(json_object_get(window, "limit"));

			if (json_integer_value(json_object_get(window, "wait")) <= 0)
				continue;
			if (json_integer_value(json_object_get(window, "left")) == 0)
				print_line(stdout,
					"The limit %s is still full. To clear it:", limit);
			else
				print_line(stdout,
					"No attempts of the limit %s are left. To clear them:",
					limit);
			print_line(stdout, "  posternctl limits login:%s reset", login);
		}
	}
	json_decref(answer);
}

/* Add the login with escapes, which the daemon reads, because a request can contain only UTF-8. */
static void add_escaped(struct strbuf *out, const char *login)
{
	size_t len;

	for (;;) {
		len = strcspn(login, "\\");
		visible_add(out, login, len);
		if (login[len] == '\0')
			return;
		strbuf_add_str(out, "\\x5c"); /* a backslash of the login itself */
		login += len + 1;
	}
}

/* Return a request with a login as the value of key; login NULL: without it. */
static json_t *login_request(const char *command, const char *key, const char *login)
{
	struct strbuf escaped = STRBUF_INIT;
	json_t *request;

	if (login == NULL || utf8_valid_len(login, strlen(login)) == strlen(login))
		return json_pack("{s:s, s:s*}", "command", command, key, login);
	add_escaped(&escaped, login);
	request = escaped.failed ?
		NULL :
		json_pack("{s:s, s:s, s:b}", "command", command, key, escaped.text, "escaped", 1);
	strbuf_free(&escaped);
	return request;
}

int cmd_suspend(const struct ctl *ctl, int argc, char **argv)
{
	int ret;

	if (command_operands(argc, argv) != 2)
		return command_usage(ctl);
	ret = control_client_show(ctl, login_request(ctl->command->name, "login", argv[1]),
		print_suspension);
	if (ret == CTL_OK && !ctl->json && strcmp(ctl->command->name, "resume") == 0)
		warn_of_full_limits(ctl, argv[1]);
	return ret;
}

int cmd_suspended(const struct ctl *ctl, int argc, char **argv)
{
	int ret = command_no_arguments(ctl, argc, argv);

	return ret != CTL_OK ? ret :
			       control_client_show(ctl, json_pack("{s:s}", "command", "suspended"),
				       print_suspended);
}

int cmd_auth(const struct ctl *ctl, int argc, char **argv)
{
	argc = command_operands(argc, argv);
	if (argc < 2 || argc > 3 || strcmp(argv[1], "reset") != 0)
		return command_usage(ctl);
	return control_client_show(ctl,
		login_request("auth-reset", "whose", argc == 3 ? argv[2] : NULL), print_forgiven);
}
