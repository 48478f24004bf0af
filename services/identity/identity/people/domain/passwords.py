"""Which passwords are good enough: long, and not one of those that are tried first."""

from __future__ import annotations

import re
import string
import unicodedata
from itertools import pairwise
from typing import Final

from gtvision.errors import Conflict, Forbidden, Invalid
from identity.keys.domain import RandomBytes

PASSWORD_MIN, PASSWORD_MAX = 12, 256
DIFFERENT_MIN = 5
_UNITS_MIN = 5
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_CHARACTERS = 4, 5
_LEET = str.maketrans("@4310$5!7", "aaeiossit")
_TAIL = string.digits + string.punctuation + " "


class WeakPassword(Invalid):
    """The password is too easy to guess."""

    code = "weak_password"


class WrongPassword(Forbidden):
    """The current password is wrong."""

    code = "wrong_password"


class SamePassword(Conflict):
    """The new password must not be the old one."""

    code = "same_password"


def check_password(password: str, email: str, tenant: str = "") -> None:
    """Raises: WeakPassword, which says why."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise WeakPassword(f"The password needs {PASSWORD_MIN} to {PASSWORD_MAX} characters.")
    if len(set(password)) < DIFFERENT_MIN or _units(password) < _UNITS_MIN or _repeats(password):
        raise WeakPassword("The password repeats itself or is a row of the keyboard or the alphabet.")
    if password.isdigit():
        raise WeakPassword("The password needs more than digits: dates, telephones and documents are guessed first.")
    if _is_common(password):
        raise WeakPassword("The password is made of common words.")
    names = (email, email.split("@", 1)[0], tenant)
    if any(_letters(password) == _letters(name) != "" for name in names):
        raise WeakPassword("The password must be neither the e-mail address nor the name of the city.")


def generated_password(random_bytes: RandomBytes) -> str:
    """A password that a person can read aloud: four groups of five letters and digits, 99 bits."""
    letters: list[str] = []
    while len(letters) < _GROUPS * _GROUP_CHARACTERS:  # a byte above the last whole multiple would prefer the first letters
        letters += [_ALPHABET[byte % len(_ALPHABET)] for byte in random_bytes(32) if byte < 256 - 256 % len(_ALPHABET)]
    return "-".join("".join(letters[at : at + _GROUP_CHARACTERS]) for at in range(0, _GROUPS * _GROUP_CHARACTERS, _GROUP_CHARACTERS))


def _plain(text: str) -> str:
    """Without case, accents and width."""
    return "".join(each for each in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(each))


def _letters(text: str) -> str:
    """Returns the letters only, without the digits and signs that people add to a word."""
    return re.sub(r"[\W\d_]+", "", _plain(text))


def _units(password: str) -> int:
    """Returns the number of pieces, where each run up or down the alphabet is one: "abcdefgh" has 1."""
    codes, pieces, direction = [ord(each) for each in _plain(password)], 1, 0
    for before, after in pairwise(codes):
        step = after - before
        if abs(step) > 1 or (direction and step != direction):
            pieces, direction = pieces + 1, 0
        else:
            direction = step
    return pieces


def _repeats(password: str) -> bool:
    """Whether it is a piece of at most a third of its length, again and again."""
    text = _plain(password)
    return any(text == (text[:size] * (len(text) // size + 1))[: len(text)] for size in range(1, len(text) // 3 + 1))


def _is_common(password: str) -> bool:
    """Whether nothing is left of it without common words, digits and signs; also where letters are written as digits."""
    plain = _plain(password)
    tail = len(plain) - len(plain.rstrip(_TAIL))
    return any(_only_words(text) for text in (_letters(plain), re.sub(r"[\W_]+", "", plain))) or any(
        _only_words(_letters(plain[: len(plain) - cut].lstrip(_TAIL).translate(_LEET))) for cut in range(tail + 1)
    )


def _only_words(text: str) -> bool:
    reached = {0}
    for end in range(1, len(text) + 1):
        if any(start in reached and text[start:end] in COMMON_WORDS for start in range(max(0, end - _LONGEST_WORD), end)):
            reached.add(end)
    return len(text) > 0 and len(text) in reached


# Words that people make passwords of, and that guessing programs try first. Written for this product, under its licence: the words that
# yearly rankings of passwords share, of a city hall and a control room, names and clubs in Brazil; without case and accents.
_WORLD = """
    password passwords passw0rd passwd pass word secret welcome letmein login logon admin administrator administration root master
    user guest test testing tester demo default change changeme changeit hello world dragon monkey football baseball basketball soccer
    sunshine princess superman batman spiderman iloveyou love loveyou lovely shadow michael jordan jennifer charlie computer internet
    system server network windows microsoft google facebook samsung access secure security trust trustno mustang freedom whatever
    starwars pokemon naruto minecraft killer cookie cheese chocolate flower summer winter spring autumn monday friday january december
    asdf asdfgh asdfghjkl qwer qwert qwerty qwertyu qwertyui qwertyuiop azerty zxcv zxcvbn zxcvbnm poiuytrewq lkjhgfdsa mnbvcxz qazwsx
    qazwsxedc wsx edc rfv tgb 1q2w3e 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz 2wsx 3edc 4rfv 1qaz2wsx 1qaz2wsx3edc 1qaz2wsx3edc4rfv q1w2e3
    q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 zaq12wsx zaq1 abc abcd abcde abcdef xyz aaa xxx zzz the and my is you me new old home house
    camera cameras cam cctv video vision gtvision gt vms plate traffic city cityhall operator viewer auditor partner control
    correcthorsebatterystaple
"""
_BRAZIL = """
    senha senhas senhaforte senhasegura minha minhasenha mudar mudarsenha trocar novasenha nova novo velha segredo acesso entrar
    bemvindo bem vindo usuario administrador gestor chefe diretor operador operadora visitante teste testes padrao sistema sistemas
    servidor rede internet computador informatica ti suporte tecnico tecnologia
    prefeitura prefeito prefeita municipio municipal cidade cidades camaramunicipal camara vereador secretaria governo estado federal
    guarda guardamunicipal gcm policia policiamilitar pm civil transito detran placa placas veiculo carro carros moto semaforo radar
    seguranca segura seguro monitoramento central cftv vigilancia vigilante controle sala praca rua avenida centro escola saude
    brasil brasileiro brasileira brazil saopaulo paulo riodejaneiro rio janeiro belohorizonte curitiba salvador fortaleza recife manaus
    brasilia portoalegre goiania campinas santos minas bahia parana ceara pernambuco paraiba sergipe alagoas para amazonas
    flamengo corinthians palmeiras saopaulofc santosfc gremio internacional cruzeiro atletico vasco botafogo fluminense timao mengao verdao
    futebol bola gol campeao campea hexa amor amo teamo euteamo meuamor vida deus jesus cristo jesuscristo senhor fe paz familia
    filho filha mae pai maria jose joao pedro paulo ana lucas gabriel rafael marcos carlos antonio francisco fernando ricardo rodrigo
    juliana mariana amanda camila beatriz larissa leticia bruna patricia gustavo matheus felipe bruno daniel eduardo
    estrela princesa gatinho gatinha cachorro saudade feliz felicidade alegria verao inverno primavera outono janeiro fevereiro marco
    abril maio junho julho agosto setembro outubro novembro dezembro segunda terca quarta quinta sexta sabado domingo
    um dois tres quatro cinco seis sete oito nove dez de da do das dos e o a os as em no na com meu eu voce
"""

COMMON_WORDS: Final[frozenset[str]] = frozenset((_WORLD + _BRAZIL).split())
_LONGEST_WORD = max(map(len, COMMON_WORDS))
