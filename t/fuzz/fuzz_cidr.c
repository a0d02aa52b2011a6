/*
 * Fuzzes the parser of networks. A network that was read is written and read back as the same one,
 * and a set that contains it finds it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/match/cidr.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void look_for(const struct cidr *net)
{
	struct cidr_set *set = cidr_set_new();
	uint32_t value = 0;

	must(set != NULL);
	must(cidr_set_add(set, net, 7) == 1 && cidr_set_add(set, net, 8) == 0);
	must(cidr_set_find(set, net, &value) && value == 7);
	cidr_set_free(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = strndup((const char *)bytes, size), written[CIDR_TEXT_SIZE];
	struct cidr net, again;
	struct errmsg err = { "" };

	must(text != NULL);
	if (cidr_parse(text, &net, &err) == 0) {
		must(net.family == AF_INET || net.family == AF_INET6);
		cidr_format(&net, written);
		must(cidr_parse(written, &again, NULL) == 0);
		must(again.family == net.family && again.prefix_len == net.prefix_len);
		must(memcmp(again.addr, net.addr, sizeof(net.addr)) == 0);
		must(cidr_contains(&net, &again));
		look_for(&net);
	} else {
		must(err.text[0] != '\0');
	}
	free(text);
	return 0;
}
