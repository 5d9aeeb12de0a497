/* Keys and signatures of "hello" that were made by another program (jwcrypto). */
#ifndef TEST_SIGNED_VECTORS_H
#define TEST_SIGNED_VECTORS_H

#define RS256_N                                                                                              \
    "qkOBRuzVpRKQUL5pRLn87jdKThGd0bTzSpJT68jd9Wzc28um93_qSZG7zb8ensDvjOwPpzOUN-nbYkSvBcfBXwmy"               \
    "h5Pty9nmFHr3IGDIUTrmPJIG8IhpHRqlJw9FIQDPnGhLdoCJlOaim754lkGHlqf8eynu7hXsfgH-BAV7KPRI8bKe"               \
    "11ni_a6XvQh6KFHQR6JXvDUSE3EHSo2dJ_S2QCyR0woFQNmJKgSShnEaJ2k2OHky5wTklZUWCLuM5erEm9c8eGl_"               \
    "9APaOErs97p2khMriw3difrIo0u_IlzYgVaXgfGtUttnIkOCg-qEybb4qopcuXhnfs94rL6rM2VwJQ"
#define RS256_SIGNATURE                                                                                      \
    "SWwbI0ErQRr0EzHFoo-6hebqXQLJSZq44lJFh82LlXX2YUrKHWjKoqbThgKG0oaj5GcdHy6qNgGGtx50y_3tJreL"               \
    "s8ezY65X9xZpWE9fSa-9rEu2OJTg3auAoC4rdGBu8soPS-XoOtApI8vivu1Ns_gjkzgP3jjPvlSGtP9soizAxgaS"               \
    "Lt94bO1kv5ceKtWKIvfuGUzVWd9PElj16snVelKGobl2JsWkDc9V9ZFMClLVsnFAGR-W8On39ZN_YAG2Vorp2X8a"               \
    "ln3qz3dmMdTiXaHaBzQQygBcrXifqyGnWnaTe9JAQ2bS0IMfp4jlH6x0iwMlO0-3VTeVerNWczVHlQ"
#define RS256_SIGNED "eyJhbGciOiAiUlMyNTYifQ.aGVsbG8"
#define PS256_N                                                                                              \
    "vUGp98PLgPLrfVXAMLCGVrUYaqK4hDWeslY1Ife8MGA9fuGrFsaGk0dYNUpL9mQ9XYRVOAtdGrm4jcaLKqBog9o1"               \
    "JDYw8fzsf3UbMg1KavcKe1mcKUEfzTOapgDNVCdI_YNK0sYoiTurZsa5tCtKZKOu2a5uF3T_30gV9L8IwYt-s2hj"               \
    "_DxDuMcq0Fo5F6ANXNzWWMbq7ooYVjeJDMDCioX1nCRz7LxFvtWCBOJueuGCKLAPSLkTQ8BwN1W4U2RmP-uc3QFh"               \
    "5Qjksaxt1A_vscOMK7JWs81oPH9IX6N8ZSIMRHVk825sRFJgKltQhd5WkHg076bLrIEbp7gb97p-lQ"
#define PS256_SIGNATURE                                                                                      \
    "XGaABKQ32VO_eRE3h1H1MfUdm2VQLQDIRrD11yNiF9YhOuo0l8sPjTbS5u88LvQ0EbGs6lZ5vEneiMAFzxmwVMts"               \
    "ta8g5-EHisEIsEsnPl09WO1JqwevbjfzvCzkh9yhHvtrpP9CKr6QAIPa8zSciYyyWzG6ss-X_74m-h9UDsgJP6Ik"               \
    "uf7aVo_SyOmyLhsghy1TwxiRFgQES1jKGXnaqxbxaG6jG9nw9KlIxjU7NfIlOLt1ICtoxKVPCxowR6vvBYucwTbU"               \
    "vPJw-YvTjfD7Yhl_oYmUkvA9P-lK6cK_3wGDQI5IGRWpanO3ynHqHxM-3Olguoi9DvdWUjr_MOnkEw"
#define PS256_SIGNED "eyJhbGciOiAiUFMyNTYifQ.aGVsbG8"
#define ES256_X "pWhUyj__n2Wm1oxUOUc_2I-PrZv5jLDQ-DoUdeNuEWc"
#define ES256_Y "NEnhiUnuRi2cyEgBZJ1OF6CSpR3U223Qcc6xxO0xW8s"
#define ES256_SIGNED "eyJhbGciOiAiRVMyNTYifQ.aGVsbG8"
#define ES256_SIGNATURE                                                                                      \
    "7Xy_e7FC50znu76oNuXrXJ6oFxtkXP6Ygfi7MM7-KTFiyj6QRuUwJtdgKTAdQCiM-aSFgXwEK5AiyoJLygByaQ"
#define SMALL_N                                                                                              \
    "xW_rNeyJpzb1_KbeaZVSbZuqSGGoxGEgF-ubjnH5t4v2dL7iJx5fl0k40pzACZlIzNvudDBhEn_wCIa11JMSncMq"               \
    "9flW69uHdF-m_qjbnC5kT7q3rTwT4kzl81_tNzhFNFCIeKiZXtULEJ1EPqTHIDPLPXOR6Lfa2FggO4ON8OE"
/* By Authlib, which leaves the zero at the front of a coordinate away: 31 bytes. */
#define SHORT_X "Qz8h6MMZuYToNifvvG8ctUuSK_4fLuKmdC-uBLyLqQ"
#define SHORT_Y "qjAaVAAqpPekctnLkAkB7EbE-fnsot6Y0Amv_iU6CB4"
#define SHORT_SIGNED "eyJhbGciOiJFUzI1NiJ9.aGVsbG8"
#define SHORT_SIGNATURE                                                                                      \
    "qYYBXQf7FxqtPAyDFaluieApvV9qQ4aA1XNuBHs7s1T"                                                            \
    "JlXSBr2kpOt1ICV5yue-JZlItbNcsMRZGiX0ZtRI49Q"

#endif
