/*
 * Reports settings that are correct by themselves, but cannot have an effect together with others.
 * Owns nothing; any thread may call it. t/unit/test_config.c tests it.
 */
#include "lib/conf/config_effect.h"

#include <string.h>

#include "lib/auth/sasl.h"
#include "lib/base/text.h"
#include "lib/rules/hidden_text.h"

/* Add a problem or a note about a key, with the line that sets it. */
static void report(const struct config *config, const char *section, const char *name,
	enum problem_level level, const char *text, struct problems *problems)
{
	struct errmsg why;

	(void)errmsg_set(&why, "%s", text);
	(void)config_key_error(config, section, name, &why);
	if (level == PROBLEM)
		problems_add(problems, "%s", why.text);
	else
		problems_note(problems, "%s", why.text);
}

static void report_tokens(const struct config *config, struct problems *problems)
{
	static const char *const keys[] = { "issuer", "audience", "login", "profile",
		"mail_claim" };
	const struct config_auth *auth = &config->auth;

	if (*config->jwt.secret != '\0' || *config->jwt.keys_file != '\0')
		return;
	if ((*auth->socket != '\0' || *auth->inet_socket != '\0') &&
		sasl_without(auth->mechanisms, SASL_BEARER) == 0)
		report(config, "auth", "mechanisms", PROBLEM,
			"these are for tokens only, but [jwt] has no key, so that nobody can log "
			"in; add PLAIN and LOGIN, or set [jwt] keys_file or secret_file",
			problems);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (config_line(config, "jwt", keys[i]) == 0)
			continue;
		report(config, "jwt", keys[i], PROBLEM_NOTE,
			"no token is accepted, because [jwt] has neither keys_file nor a secret",
			problems);
		break;
	}
}

static void report_services(const struct config *config, struct problems *problems)
{
	const struct settings *settings = config->settings;

	for (size_t i = 0; i < settings->service_count; i++) {
		const char *name = settings->services[i].name;

		if (name != NULL && strpbrk(name, " \t,;*\"'|") != NULL)
			problems_add(problems,
				"%s: [check %.*s] applies to no service, because no service can "
				"have this name; write one section for each service",
				config->path, TEXT_CUT(name, 120));
	}
}

/* Report invisible characters in names of logins. */
static void report_hidden(const struct config *config, struct problems *problems)
{
	const struct {
		const char *section, *name, *words;
	} keys[] = {
		{ "limit", "exempt_logins", config->given.limit_exempt_logins },
		{ "jwt", "login", config->given.token_login },
	};
	struct errmsg why, text;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *word = keys[i].words;
		size_t len;

		for (; *(word += strspn(word, " \t,")) != '\0'; word += len) {
			len = strcspn(word, " \t,");
			if (!hidden_in_login(word, len, &why))
				continue;
			(void)errmsg_set(&text, "\"%.*s\" %s", TEXT_CUT_LEN(word, len, 120),
				why.text);
			report(config, keys[i].section, keys[i].name, PROBLEM, text.text, problems);
		}
	}
}

void config_report_effect(const struct config *config, struct problems *problems)
{
	report_tokens(config, problems);
	report_services(config, problems);
	report_hidden(config, problems);
}
