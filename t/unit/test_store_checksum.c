/*
 * Shows that the checksum of a store is SHA-256 in hexadecimal, however the bytes are divided among
 * the calls (vectors of FIPS 180-2, appendix B).
 */
#include "lib/store/store_checksum.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *first, *second, *want;
} vectors[] = {
	{ "", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "a", "bc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighij", "hijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};
START_TEST(it_is_the_sha256_of_all_bytes)
	{
		struct store_checksum *checksum = store_checksum_new();
		char hex[STORE_CHECKSUM_SIZE];

		ck_assert_ptr_nonnull(checksum);
		ck_assert_int_eq(store_checksum_add(checksum, vectors[_i].first,
					 strlen(vectors[_i].first)),
			0);
		ck_assert_int_eq(store_checksum_add(checksum, vectors[_i].second,
					 strlen(vectors[_i].second)),
			0);
		ck_assert_int_eq(store_checksum_end(checksum, hex), 0);
		ck_assert_str_eq(hex, vectors[_i].want);
		store_checksum_free(&checksum);
		ck_assert_ptr_null(checksum);
		store_checksum_free(&checksum);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("store_checksum");
	TCase *tcase = tcase_create("store_checksum");

	tcase_add_loop_test(tcase, it_is_the_sha256_of_all_bytes, 0,
		(int)(sizeof(vectors) / sizeof(vectors[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
