/*
 * The settings that the checks read: reference counting and lookups; lib/conf fills them. Immutable
 * once filled; any thread may read them while it holds a reference.
 */
#include "lib/rules/settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct settings *settings_new(void)
{
	static const struct service no_checks; /* all of them MODE_NO */
	struct settings *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	if ((s->arena = arena_new(4096)) == NULL) {
		free(s);
		return NULL;
	}
	s->refs = 1;
	s->services = &no_checks;
	s->service_count = 1;
	s->deny_conn = s->deny_helo = s->deny_mail = s->deny_rcpt = "";
	s->default_domain = s->recipient_delimiter = s->unknown_profile = "";
	s->local_domains = s->list_delimiter = "";
	s->token_login = s->token_profile = s->results_header = "";
	return s;
}

struct settings *settings_ref(struct settings *settings)
{
	if (settings != NULL)
		__atomic_add_fetch(&settings->refs, 1, __ATOMIC_RELAXED);
	return settings;
}

void settings_unref(struct settings **settings)
{
	struct settings *gone = *settings;

	*settings = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	rates_free(&gone->rates);
	arena_free(&gone->arena);
	free(gone);
}

const struct service *settings_service(const struct settings *settings, const char *daemon_name)
{
	size_t i;

	for (i = 1; daemon_name != NULL && i < settings->service_count; i++) {
		if (strcasecmp(settings->services[i].name, daemon_name) == 0)
			return &settings->services[i];
	}
	return &settings->services[0];
}

const char *settings_token_mail(const struct settings *settings, const char *login)
{
	size_t len = strlen(settings->token_login);

	if (len == 0 || strncasecmp(login, settings->token_login, len) != 0 || login[len] != ':')
		return NULL;
	return login + len + 1;
}

bool service_exempts(const struct service *service, const struct cidr *client)
{
	size_t i;

	for (i = 0; i < service->exempt_count; i++) {
		if (cidr_contains(&service->exempt[i], client))
			return true;
	}
	return false;
}
