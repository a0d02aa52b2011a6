// The answers of JavaScript for test_regex_differential.py: from standard input, a JSON array of
// [regex, [subject, ...], flags]; to standard output, an array with null for a regex that is refused, else
// a string of y and n. "fold" instead of a regex asks for Canonicalize() of all characters up to U+FFFF.
'use strict';

function canonicalize(code) {
	const upper = String.fromCharCode(code).toUpperCase();
	if (upper.length !== 1)
		return code;
	return code >= 128 && upper.charCodeAt(0) < 128 ? code : upper.charCodeAt(0);
}

function answer([regex, subjects, flags]) {
	let compiled;
	try {
		new RegExp(regex, flags);
		compiled = new RegExp('^(?:' + regex + ')$', flags);
	} catch (error) {
		return null;
	}
	return subjects.map((subject) => (compiled.test(subject) ? 'y' : 'n')).join('');
}

const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const out = asked === 'fold' ? Array.from({ length: 0x10000 }, (_, code) => canonicalize(code)) : asked.map(answer);
process.stdout.write(JSON.stringify(out));
