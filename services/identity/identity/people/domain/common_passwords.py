"""Words that people make passwords of, and that guessing programs therefore try first, alone, joined, and with digits around them.

Written for this product: what the yearly rankings of the most used passwords have in common (words, rows of the keyboard), the words of
a city hall and of a control room, and names and clubs in Brazil. Under the licence of the product. In the form that
`passwords` compares: no case, no accents.
"""

from __future__ import annotations

from typing import Final

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
