/*
 * Punycode (RFC 3492) for labels that IDNA does not allow.
 * Stateless; any thread may call it.
 */
#include "lib/match/punycode.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/match/domain.h"

/* The parameters of RFC 3492 section 5. */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 128 };

struct writer {
	char *at, *end; /* end: the last place for the NUL */
	bool full;
};

static void put_char(struct writer *w, char c)
{
	if (w->at == w->end)
		w->full = true;
	else
		*w->at++ = c;
}

/* Read the code point at *p, which is well-formed UTF-8, and move *p past it. */
static uint32_t next_point(const unsigned char **p)
{
	const unsigned char *s = *p;
	size_t more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3, i;
	uint32_t point = more == 0 ? s[0] : s[0] & (0x3fU >> more);

	for (i = 1; i <= more; i++)
		point = point << 6 | (s[i] & 0x3fU);
	*p = s + more + 1;
	return point;
}

/* Adapt the bias (section 6.1). */
static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

/* Write a generalized variable-length integer (section 3.3). */
static void put_delta(struct writer *w, uint32_t delta, uint32_t bias)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	uint32_t k, t;

	for (k = BASE;; k += BASE) {
		t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
		if (delta < t)
			break;
		put_char(w, digits[t + (delta - t) % (BASE - t)]);
		delta = (delta - t) / (BASE - t);
	}
	put_char(w, digits[delta]);
}

/* Return whether UTS 46 drops the code point: soft hyphen, zero width space, word joiner, variation
 * selectors, BOM. */
static bool is_ignored(uint32_t point)
{
	return point == 0xad || point == 0x200b || point == 0x2060 || point == 0xfeff ||
		(point >= 0xfe00 && point <= 0xfe0f);
}

/* Return whether a label may contain the code point: letters, digits, hyphen, underscore, and
 * everything that is neither ASCII nor a wide form of ASCII. */
static bool is_usable(uint32_t point)
{
	if (point >= 0x80)
		return (point < 0xff00 || point > 0xffef) && point != 0x3002;
	return point != 0 && strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", (int)point) != NULL;
}

/* Decode the code points of the label. Returns their number, or -1. */
static int read_points(const char *label, size_t len, uint32_t points[DOMAIN_SIZE])
{
	const unsigned char *p = (const unsigned char *)label, *end = p + len;
	uint32_t point;
	int count = 0;

	if (len == 0 || len >= DOMAIN_SIZE || utf8_valid_len(label, len) < len)
		return -1;
	while (p < end) {
		point = next_point(&p);
		if (point >= 'A' && point <= 'Z')
			point += 'a' - 'A';
		if (!is_usable(point))
			return -1;
		if (!is_ignored(point))
			points[count++] = point;
	}
	return count;
}

static uint32_t least_from(const uint32_t *points, uint32_t count, uint32_t n)
{
	uint32_t least = UINT32_MAX, i;

	for (i = 0; i < count; i++) {
		if (points[i] >= n && points[i] < least)
			least = points[i];
	}
	return least;
}

/*
 * Encode the code points that are not ASCII (section 6.3). Nothing overflows, because delta stays
 * below 0x110000 * DOMAIN_SIZE.
 */
static void put_points(struct writer *w, const uint32_t *points, uint32_t count, uint32_t basic)
{
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS, done = basic, least, i;

	while (done < count) {
		least = least_from(points, count, n);
		delta += (least - n) * (done + 1);
		n = least;
		for (i = 0; i < count; i++) {
			delta += points[i] < n;
			if (points[i] != n)
				continue;
			put_delta(w, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
}

int punycode_label(const char *label, size_t len, char *out, size_t size)
{
	uint32_t points[DOMAIN_SIZE], basic = 0;
	struct writer w = { out, out + size - 1, false };
	int count = size == 0 ? -1 : read_points(label, len, points), i;
	const char *prefix = "xn--";

	if (count < 0)
		return -1;
	while (*prefix != '\0')
		put_char(&w, *prefix++);
	for (i = 0; i < count; i++) {
		if (points[i] >= INITIAL_N)
			continue;
		put_char(&w, (char)points[i]);
		basic++;
	}
	if (basic == (uint32_t)count)
		return -1;
	if (basic > 0)
		put_char(&w, '-');
	put_points(&w, points, (uint32_t)count, basic);
	if (w.full)
		return -1;
	*w.at = '\0';
	return (int)(w.at - out);
}
