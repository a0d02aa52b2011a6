/*
 * Fuzzes the parser of the From field. An accepted address is complete, has no line end, and is
 * read as the same address when it is written as a mail program writes it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/match/from_header.h"
#include "lib/match/from_names.h"
#include "lib/match/from_oddities.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

#define UNCUT 220 /* MTAs may cut longer addresses, which are refused beside quotes with an @ */

struct seen {
	size_t count;
	struct mail_address last;
};

static bool keep(void *context, const struct mail_address *address)
{
	struct seen *seen = context;

	must(address->has_domain && strlen(address->canon) == address->canon_len);
	must(address->canon[address->local_len] == '@');
	must(strcspn(address->text, "\r\n") == address->text_len);
	seen->count++;
	seen->last = *address;
	return true;
}

/* The address is read as the same address when it is written as a mail program writes it. */
static void read_again(const struct mail_address *address)
{
	char value[ADDRESS_MAX + 16] = "\"x\" <";
	struct seen again = { 0 };
	size_t len = strlen(value);
	enum from_result result;

	memcpy(value + len, address->text, address->text_len);
	value[len + address->text_len] = '>';
	result = from_header_parse(value, len + address->text_len + 1, keep, &again);
	must(result == FROM_ADDRESSES || result == FROM_NAMES);
	must(again.count == 1 && address_equal(&again.last, address));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct seen seen = { 0 }, names = { 0 };
	enum from_result result = from_header_parse((const char *)bytes, size, keep, &seen);

	must(result == FROM_UNPARSABLE || (seen.count > 0) == (result != FROM_NONE));
	if (from_names_parse((const char *)bytes, size, keep, &names) && result != FROM_UNPARSABLE)
		must(names.count >= seen.count);
	if ((result == FROM_ADDRESSES || result == FROM_COMMA) && seen.last.text_len <= UNCUT &&
		from_oddities((const char *)bytes, size) == 0)
		read_again(&seen.last);
	return 0;
}
