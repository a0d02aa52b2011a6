/*
 * Warns of a gateway from whose address all sessions seem to come, so that no rule about clients
 * holds. Owns nothing; any thread may call it. t/integration/test_doctor_clients.py covers it.
 */
#include "milter/smtp/gateway.h"

#include "milter/log/log.h"

bool gateway_find(struct shared *shared, struct client_gateway *gateway_r)
{
	struct settings *settings;
	bool is_exempt;

	if (!client_share_find(shared_client_share(shared), gateway_r))
		return false;
	settings = shared_settings(shared);
	is_exempt = service_exempts(&settings->services[0], &gateway_r->address);
	settings_unref(&settings);
	return !is_exempt;
}

void gateway_watch(struct shared *shared, const struct cidr *client, const char *helo)
{
	struct client_share *share = shared_client_share(shared);
	struct client_gateway gateway;
	char address[CIDR_TEXT_SIZE];

	if (!client_share_add(share, client, helo) || !gateway_find(shared, &gateway) ||
		!client_share_is_new(share, &gateway.address))
		return;
	cidr_format(&gateway.address, address);
	log_event(LOG_LEVEL_WARNING,
		"sessions gateway=%s sessions=%u of=%u hint=\"the clients' own addresses are "
		"hidden, so that lists, limits and exemptions by address do not work; see "
		"posternctl doctor\"",
		address, gateway.sessions, gateway.of);
}
