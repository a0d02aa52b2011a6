#ifndef POSTERN_TOKEN_RSA_KEYS_H
#define POSTERN_TOKEN_RSA_KEYS_H

/* RSA keys for tests alone: OpenSSL takes seconds to make one under memcheck. */

#define RSA_FIRST                                                            \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDALpxtaeyIZg9j\n" \
	"jFX8rZJXkEXgElqHH+dLTonp2+sL8Urvl4eg7aXxVr8S15LXWngYFEWnuDeNUUrO\n" \
	"R50E5qBO0mre227fpTnwWm2MpAyvKh8odwhWats7xPDBeu/nup2xEZ3o+ZL/8TW6\n" \
	"UYXMYl448P7InF7E5LNSLlA1bZ9ds+qnnfQvinA5/y7/BgQOfvQwZjmKxfCtOJqt\n" \
	"DQstVjZKLgtY4+mmu9/2WF4CtjDCMRNYOzNzWBrOwdAJoJaynsLgORb92gBB9+It\n" \
	"mJQlPnT1Ca9D62Hm9AfIS9ktasZTtU8060J9fnOFD1CDnugkdI0zLo+tBQewZvLH\n" \
	"XerowU//AgMBAAECggEAC9E2fOxvNNWlL75K8ZGeu1PyekoPxP50gTTN1eTF1WMp\n" \
	"YbzBu0JBthhbAXRQT6KPNeqxMu+x8H+hB8sBhJahRbwVuM2OSesclaeuZjuovt5Y\n" \
	"DZA3ob5u6807E4PCt0835tHg7SsxQBv7pDV1Fyz3AxtWjRX2Jm4hHdGLg6Rj2iXK\n" \
	"QSLKDoAzoXQdCjg8QbN2phooOc8Og1qrGoNkjrqRpVhIeYZumz4HsG/D/gbM5gqn\n" \
	"6S1X9liKYDrcm7Phn5EWz1Ud78OxbqBBOqefwkGI1AY0AytUzIWhZ573/5iis4SJ\n" \
	"rd0Z7K1tXThwPSBLpsw9IFJNiQnMH/cKgb1WWLso0QKBgQDugl+Qi/ckt4a62KhY\n" \
	"lL8sTcHUYFn2czQsI0YMKcsx8uuc3d1nehliXj2O5gXSfFE8oqkjkxHkV/0u5j1/\n" \
	"9hElC2iz0ZlzrKrpqFbjiIOarHH6CFQvcAAOLgpA1pCp+jTHNURMTiQVRwSWTDmh\n" \
	"QuSrohkfHy5Y6lktUBCa4gfuyQKBgQDORoT2l5IbWgxNKP+Tct6tcNfrx3LhnbR8\n" \
	"uq3H7eG7ro68z57abF/NShflWajggHk2EncnjfxG/HTqMYELEI/J7YDDbAmWOloA\n" \
	"tkfYAX/gkHmA7WegnA+mUoet3aithgu0LZPBByVijFYfHS4Ro/nmxsyhSK7nud1M\n" \
	"ZAJWa31EhwKBgHNrrhmCUlh3ZADZxiYP3a/v9SP0eLS2LYJKk6RhOU7zsqeYCoP/\n" \
	"53beCkYz9I9Wz+1a/iUUD+2D0yc2Dn71MnjN255hiTQcVB189Idp0d4xI3sPOsY2\n" \
	"GiDCkP2tmBZZ2d6pXWLb0cRmOMcPHjh26bhRWnzgFwq6ZetyuoZpadNZAoGATqry\n" \
	"VqEjpa7H9j1mizNJ3Vel4VPlakoc5VzEnfUJG+zMnxGHgcHHH6HcTynMkCIvGAIe\n" \
	"00UBK4lohVBv6GpejCI5802mslZ6sL7T03tu65Pt4s+nr8cU6NecyyA4DkWK/SJM\n" \
	"sVcqWNUwmxkj0rJ4whybOf9gRRvLXDDf+1lvIs0CgYEAvyH0ABFUhih0lC9nQFQc\n" \
	"cBw7WmucnkSyhd142cjYPnASzMa4BruyKsfp0eDwURnPEv+6G+q5iFwsi3NVS498\n" \
	"Zmr5c9Xev6QxcnDJinu+hdYo42ndRpK2Oj2elQ+QL84L0ho8fWja0CUmxMywrqgP\n" \
	"7q8M9/JfwfkThjt76QWZ1Rs=\n"                                         \
	"-----END PRIVATE KEY-----\n"

#define RSA_SECOND                                                           \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7OL15k6E4bGbs\n" \
	"sIvUOEOzcGP2spsmctN8NWfdGSKBsuKPUlCE5VuV+d4pxZToSamvnTITe1Lwd10i\n" \
	"9ClbVjzTjbWNI63XFmCppUZdDXz8IgrJWInMbmbXoPLgcBhyEkfb9R5F6LLbJgmt\n" \
	"lNelXIm0u0f+1/PdWQ+iXeqI/mgdTJ1a5+D53F0jf3rrK8uT6WiDVTdpYuu+3ov+\n" \
	"Hkc0PZdsFyNO7YZmES7XoSnKqFOKt0TVR9UvOeIuRd4HU/QmelCV3VYuOgUATkOc\n" \
	"359MXyi2okc10Bg2uShfzDSKVcIbAOihZPXEgFnFY/PpIja4KQCcUiN0RgLmDr20\n" \
	"nzYwEISHAgMBAAECggEAA519XycgIlhJhoGEObVabVEaxQ0+3Lez6L6ZQlY1ad67\n" \
	"7DuRLXfGVHeOOC1GClQ90BPPfzvO5rDPXhjr4YUhSI6Adni9Zx1aAXydBrf3dWDs\n" \
	"52Vrx8RL/RbxCa9wcWdz9sXdb0kmhv/NiQoKPfmy+QfyxHOEFH6fRCnfGQUcmpAz\n" \
	"NkqYUWx3LWgNZ8kq9RbP0baA/1IhQwS6Ck+RGjyAzwrSfYRDkp/t5xzlyDsQqbQb\n" \
	"9MjlEIa+FuCqNVnMiHpNo5jkB93f/dQb8cvE2ldD29zAmDHye4W4ChzxUl89jZDI\n" \
	"QXhYmwPoAbK3tiWJMsod/Nipc6WFE2KQ8xdjTy1K0QKBgQDhXHX8q/6bWXh4nVxN\n" \
	"5trvHqBef6n7FpjEE2w1QTWmWrFnpAsih9uGnXtGMGsDeCV9Cs6bN1zcnfohVTM5\n" \
	"TN68ISj2DhiOuGjziLlmmuNwf4077IZC+IW8IBcpzIo/z9dirpMPRRnr31pj1i0c\n" \
	"n4BzidQrHQNkm5HLyJLodC9x1wKBgQDUrNv4u1mJ+4rXC9lAu/i/E+0+f7Ilhsuv\n" \
	"olrMgIM6sWIvtt6HSqMxRWpi0WUVqDXOfOzD8nDFt2NJYu3ghXzO1k3jkB5BCXfr\n" \
	"QWtgBEw953U+EnV99ddEOqdMn/HB2jc2zSxPNisNYma8gSgCdqkALvwjxWnrSDvx\n" \
	"FL3VqSWM0QKBgQChocsNud4WVYlOGK7HQLftoK2smSu05nQSzUtitq5f7dQnXUSP\n" \
	"M5mDZxevM7LM/jMFB+c+8+oqYTOxDIZ8pmFp1O6n61w5oJHFeV5f9N8DJLiLLgzt\n" \
	"o4lncCys0gKl2c/E+yiGXy1EOyF9UXNxgASE2WnOsjRoyBs9aVHUXuBYaQKBgD1X\n" \
	"qo8Awt/IvRAv67b/QM0kWz62qFSon6GGK7hmrPNF7LMkhOTzA0UX54qfKQ/pF7P6\n" \
	"VnRiPmLY9XtaXJBxEEG8kHS9wewyZfNmSClGtBL66tc/jcIKIdAdNtokHCA0584X\n" \
	"udsTHbHbmxRuEHM9dJuH8dQDgfyKNjfgKq0w/5KxAoGAIxaxNzrA/NnZ4kw6wykU\n" \
	"fEJVQO08XjpCbq/JQBt9Y4HpdphpeYiS7Nx/3kml2/4WgxE8BAbEDzhwS+uGqv3b\n" \
	"O/hwpHw96Mr5qpYluDWCy7Tmix8ihPQ5NSA+PLICbIBL0D1NmwuvoSsFVczW2J0Z\n" \
	"oMgGsEzpd1Lzs/a4U4q/7Wo=\n"                                         \
	"-----END PRIVATE KEY-----\n"

#define RSA_1024                                                             \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAKCnuKLJeKnXiqVu\n" \
	"3kUxxT1U55H03UHI0QM2wjAytEZ1kdRcMjtRWBwD8mH+F5GkbJR4MY+Y8Fn0Xgkd\n" \
	"8d0T6kzI4U0kzUO+R2HzXZ22O0X3PVrqhBqCZ8XJ6IOKlrE+/Im8Cu2mwF3xghO6\n" \
	"acEtdzVO/usp/R1RlVmI5Olsbhp/AgMBAAECgYAIWrBvRqrPqjW7hJhqYLwxBElG\n" \
	"fcVDtn2n/SD8AKb/Qv3iXSj/jKtYSZxBHEV9fV9oGRf6r6lQBDUfpD7/kBmO74ui\n" \
	"WCYVT3REH50+1fi77+onOixWQ3O+mlWJbZO1ljhCiVyqXf1kdi+Xd5U5956tIoSH\n" \
	"3P6WK65DGGzZGqa6AQJBAMwP/XkAIMb68cgT9ZSah1g9v7DN4nnIJ5h0/agXv6fX\n" \
	"eYJSwFl1UdiIf+X4lkHjiGM14RAzWwELgHSJZUfA128CQQDJi3XY1vFF5zYv/g4M\n" \
	"oJnqQmACKF1OyFPSMSMYy6BRmPzfo3cEmPw0UEn58tqhnO7vRA2XgDTscxquM71F\n" \
	"I+XxAkAXGbxNBVmwjNnwF2pWn0OxFpRrtHLt7F2nIZ9RdxbILllgCnQh7GkOhS1N\n" \
	"YF3KKbLX4FKRHe8waBfrmV4wyEDbAkBNVxwA+vKZTZGItygzBkoqEBCBo3Wy7sLj\n" \
	"rQF32WQLC/c15qecdwyJEqpgpSXq0KsL3ASPN56XgdAiOy6NYqoxAkEAvDLv+V+H\n" \
	"Ex1nUdZPnTAKPXMPWR2Cu7g+X5wMyRsD6fGBSgVNK5wj9IvPFb5LNFJUTik4nLIh\n" \
	"umbWl3Tin9ddwA==\n"                                                 \
	"-----END PRIVATE KEY-----\n"

#endif
