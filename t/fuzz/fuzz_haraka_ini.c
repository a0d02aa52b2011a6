/*
 * Fuzzes the reader of Haraka's ini files. Every entry that is read is text without control
 * characters, has a key, and lies in its line; of equal keys, one counts.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/haraka_ini.h"
#include "lib/base/utf8.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_text(const char *text)
{
	must(utf8_valid_len(text, strlen(text)) == strlen(text));
	for (; *text != '\0'; text++)
		must(((unsigned char)*text >= ' ' || *text == '\t') && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct haraka_entry *entry;
	struct haraka_ini ini;
	unsigned last = 0;

	must(haraka_ini_parse((const char *)bytes, size, &ini) == 0);
	for (size_t i = 0; i < ini.count; i++) {
		entry = &ini.entries[i];
		must(entry->section != NULL && entry->key != NULL && entry->line > last);
		last = entry->line;
		if (entry->problem != NULL)
			continue;
		must(*entry->key != '\0');
		must_be_text(entry->key);
		if (entry->value != NULL)
			must_be_text(entry->value);
		if (!entry->is_replaced && ini.count < 200)
			must(haraka_ini_find(&ini, entry->section, entry->key) == entry);
	}
	haraka_ini_clear(&ini);
	return 0;
}
