#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/control_client.h"

/* Ask the daemon, and print with print() what isn't wanted as JSON. Takes over the request. */
static int ask(const struct ctl *ctl, json_t *request, void (*print)(json_t *answer))
{
	struct errmsg err;
	json_t *answer;
	int ret = control_client_once(ctl, request, &answer, &err);

	if (ret != CTL_OK)
		ret = command_fail(ret, &err);
	else if (ctl->json)
		command_print_json(answer);
	else
		print(answer);
	json_decref(answer);
	return ret;
}

static void print_suspension(json_t *answer)
{
	static const char *const said[2][2] = {
		{ "was not suspended", "is not suspended any more" },
		{ "was suspended already", "is suspended" },
	};
	const bool suspended = json_is_true(json_object_get(answer, "suspended"));
	const bool changed = json_is_true(json_object_get(answer, "changed"));

	(void)printf("%s %s%s\n", json_string_value(json_object_get(answer, "login")),
		said[suspended][changed],
		json_is_true(json_object_get(answer, "known")) ? "" :
								 " (the tables know no such user)");
}

static void print_suspended(json_t *answer)
{
	json_t *login;
	size_t i;

	json_array_foreach (json_object_get(answer, "logins"), i, login)
		(void)puts(json_string_value(login));
}

static void print_forgiven(json_t *answer)
{
	(void)printf("%lld forgiven\n",
		(long long)json_integer_value(json_object_get(answer, "forgiven")));
}

/* With [limits] on_limit = suspend, whoever is resumed while a limit is full is suspended by the
 * next recipient. */
static void say_full_limits(const struct ctl *ctl, const char *login)
{
	json_t *request = json_pack("{s:s, s:s}", "command", "limits", "key", login);
	json_t *answer = NULL, *key, *window;
	struct errmsg err;
	size_t i;

	if (control_client_once(ctl, request, &answer, &err) == CTL_OK) {
		key = json_array_get(json_object_get(answer, "keys"), 0);
		json_array_foreach (json_object_get(key, "windows"), i, window) {
			if (json_integer_value(json_object_get(window, "used")) > 0 &&
				json_integer_value(json_object_get(window, "left")) == 0)
				(void)printf("The limit %s is still full; to empty it: posternctl "
					     "limits %s reset\n",
					json_string_value(json_object_get(window, "limit")), login);
		}
	}
	json_decref(answer);
}

/* suspend LOGIN, resume LOGIN */
int cmd_suspend(const struct ctl *ctl, int argc, char **argv)
{
	int ret;

	if (argc != 2)
		return command_usage(argv[0]);
	ret = ask(ctl, json_pack("{s:s, s:s}", "command", argv[0], "login", argv[1]),
		print_suspension);
	if (ret == CTL_OK && !ctl->json && strcmp(argv[0], "resume") == 0)
		say_full_limits(ctl, argv[1]);
	return ret;
}

int cmd_suspended(const struct ctl *ctl, int argc, char **argv)
{
	int ret = command_no_arguments(argc, argv);

	return ret != CTL_OK ?
		ret :
		ask(ctl, json_pack("{s:s}", "command", "suspended"), print_suspended);
}

/* auth reset [LOGIN | ADDRESS] */
int cmd_auth(const struct ctl *ctl, int argc, char **argv)
{
	if (argc < 2 || argc > 3 || strcmp(argv[1], "reset") != 0)
		return command_usage(argv[0]);
	return ask(ctl,
		json_pack("{s:s, s:s*}", "command", "auth-reset", "whose",
			argc == 3 ? argv[2] : NULL),
		print_forgiven);
}
