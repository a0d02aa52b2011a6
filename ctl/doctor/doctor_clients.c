/*
 * Examines whether a gateway from which all clients seem to come may relay mail. The daemon finds
 * the gateway. Owns nothing. t/integration/test_doctor_clients.py covers it.
 */
#include <string.h>

#include "ctl/doctor/doctor_commands.h"
#include "ctl/doctor/doctor_examinations.h"
#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/match/cidr.h"

/* Parse an element of mynetworks: "192.0.2.0/24" or "[2001:db8::]/32". Returns 0, or -1. */
static int parse_network(const char *text, size_t len, struct cidr *net_r)
{
	char plain[CIDR_TEXT_SIZE];
	size_t used = 0;
	struct errmsg err;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '[' || text[i] == ']')
			continue;
		if (used + 1 >= sizeof(plain))
			return -1;
		plain[used++] = text[i];
	}
	plain[used] = '\0';
	return cidr_parse(plain, net_r, &err);
}

/* Return whether any element of a list contains the address. Adds the other elements to rest. */
static bool leave_out(const char *list, const struct cidr *address, struct strbuf *rest)
{
	bool is_contained = false;
	const char *at = list;
	struct cidr net;
	size_t len = 0;

	while ((at = doctor_postfix_word(at + len, &len)) != NULL) {
		if (parse_network(at, len, &net) == 0 && cidr_contains(&net, address))
			is_contained = true;
		else
			strbuf_addf(rest, "%s%.*s", rest->len > 0 ? " " : "", (int)len, at);
	}
	return is_contained;
}

static void examine_instance(const struct doctor *doctor, const struct doctor_instance *instance,
	const char *gateway, const struct cidr *address)
{
	const char *networks = doctor_postfix_value(instance->values, "mynetworks");
	struct strbuf rest = STRBUF_INIT;
	struct doctor_finding *finding;

	if (leave_out(networks, address, &rest) && !rest.failed) {
		finding = doctor_find(doctor, DOCTOR_MAIL,
			"%s: mynetworks contains %s, the gateway from which all clients come",
			instance->folder, gateway);
		doctor_effect(finding,
			"The server is an open relay: permit_mynetworks lets anybody send mail "
			"to any address.");
		doctor_cure(finding, "Remove the network from mynetworks.");
		doctor_set_parameter(finding, instance, NULL, "mynetworks",
			rest.text == NULL ? "" : rest.text);
		doctor_reload_postfix(finding, instance);
	}
	strbuf_free(&rest);
}

void doctor_examine_clients(const struct doctor *doctor)
{
	const json_t *sessions = json_object_get(doctor->status, "sessions");
	const char *gateway =
		json_string_value(json_object_get(json_object_get(sessions, "gateway"), "address"));
	struct cidr address;
	struct errmsg err;

	if (doctor->postfix == NULL || gateway == NULL || cidr_parse(gateway, &address, &err) != 0)
		return;
	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		if (doctor->postfix->instances[i].is_enabled)
			examine_instance(doctor, &doctor->postfix->instances[i], gateway, &address);
	}
}
