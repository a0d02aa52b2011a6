/*
 * The identifiers of JavaScript, by the properties of characters that PCRE2 has. It keeps one
 * compiled pattern for the life of the process; any thread may call it.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "lib/match/regex_identifier.h"

#include <pcre2.h>
#include <pthread.h>

/*
 * ID_Start and ID_Continue (UAX #31) without the names of these properties, which PCRE2 has since
 * 10.40: the categories with Other_ID_Start and Other_ID_Continue, but without Pattern_Syntax.
 * Characters that PCRE2 does not know (Cn) may be letters of a newer Unicode.
 */
#define START "\\p{L}\\p{Nl}\\p{Cn}$_\\x{1885}\\x{1886}\\x{2118}\\x{212e}\\x{309b}\\x{309c}"
#define CONTINUE                                                                                 \
	START "\\p{Mn}\\p{Mc}\\p{Nd}\\p{Pc}\\x{b7}\\x{387}\\x{1369}-\\x{1371}\\x{19da}\\x{30fb}" \
	      "\\x{ff65}\\x{200c}\\x{200d}"
#define NO_SYNTAX "(?!\\x{2e2f})"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pcre2_code *identifier; /* NULL: out of memory */

static void compile_identifier(void)
{
	static const char pattern[] =
		"\\A" NO_SYNTAX "[" START "](?:" NO_SYNTAX "[" CONTINUE "])*+\\z";
	int error;
	PCRE2_SIZE at;

	identifier = pcre2_compile((PCRE2_SPTR)pattern, sizeof(pattern) - 1, PCRE2_UTF, &error, &at,
		NULL);
}

bool regex_identifier_is(const char *text, size_t len)
{
	pcre2_match_data *match;
	int found;

	(void)pthread_once(&once, compile_identifier);
	if (identifier == NULL || (match = pcre2_match_data_create(1, NULL)) == NULL)
		return true;
	found = pcre2_match(identifier, (PCRE2_SPTR)text, len, 0, 0, match, NULL);
	pcre2_match_data_free(match);
	return found >= 0 || found == PCRE2_ERROR_NOMEMORY;
}
