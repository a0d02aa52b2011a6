/*
 * Shows that SipHash-1-3 agrees with published
 * values, and reads no byte after the end.
 */
#include "lib/base/hash.h"

#include "t/unit/unit.h"

/*
 * SipHash-1-3 under the key of zeros, on the bytes 0, 1, 2...: CPython 3.11's
 * hash(bytes(range(n))) with PYTHONHASHSEED=0, on a little-endian machine.
 */
static const struct {
	size_t len;
	uint64_t hash;
} vectors[] = {
	{ 1, UINT64_C(0x68a914128e01e473) },
	{ 7, UINT64_C(0x2f098ab0c751325a) },
	{ 8, UINT64_C(0xead411e67ebe2eea) },
	{ 9, UINT64_C(0x75927f9d95124362) },
	{ 16, UINT64_C(0x8972188433a5c5b7) },
	{ 63, UINT64_C(0x385d3e39e5f37359) },
};

START_TEST(is_siphash_1_3)
	{
		const uint8_t zeros[16] = { 0 };
		uint8_t bytes[64];
		size_t i;

		for (i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)i;
		hash_set_key(zeros);
		if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
			ck_assert_uint_eq(hash_bytes(bytes, vectors[_i].len), vectors[_i].hash);
	}
END_TEST

START_TEST(depends_on_the_key)
	{
		uint8_t key[16] = { 1 };
		uint64_t hashes[2];

		hash_set_key(key);
		hashes[0] = hash_bytes("example.com", 11);
		ck_assert_uint_eq(hash_bytes("example.com", 11), hashes[0]);
		key[15] = 1;
		hash_set_key(key);
		hashes[1] = hash_bytes("example.com", 11);
		ck_assert_uint_ne(hashes[0], hashes[1]);
	}
END_TEST

/* No byte after the end is read, at any offset, and the length matters. */
START_TEST(reads_its_bytes_only)
	{
		char bytes[64];
		size_t i, len;
		uint64_t hash;

		for (len = 0; len < 24; len++) {
			for (i = 0; i < sizeof(bytes); i++)
				bytes[i] = (char)i;
			hash = hash_bytes(bytes + 7, len);
			bytes[7 + len] ^= 0x55;
			bytes[6] ^= 0x55;
			ck_assert_uint_eq(hash_bytes(bytes + 7, len), hash);
			bytes[7 + len] = 0;
			ck_assert_uint_ne(hash_bytes(bytes + 7, len + 1), hash);
		}
		ck_assert_uint_eq(hash_bytes(NULL, 0), hash_bytes("", 0));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("hash");
	TCase *tcase = tcase_create("hash");

	tcase_add_loop_test(tcase, is_siphash_1_3, 0, sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(tcase, depends_on_the_key);
	tcase_add_test(tcase, reads_its_bytes_only);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
