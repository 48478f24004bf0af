"""Tests of the rules of pins: the address of a name after a look-up, and the one that is taken over from the media server."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gtvision.addresses import AddressPolicy
from gtvision.camera_urls import parse_camera_url
from streaming.names.domain import Endpoint, Pin, Progress

POLICY = AddressPolicy()
PLAIN, SECURE = Endpoint("camera.example", None), Endpoint("camera.example", 322)


def pin(address: str, fingerprint: str = "") -> Pin:
    return Pin(ip_address(address), fingerprint=fingerprint)


@pytest.mark.parametrize(
    ("before", "answers", "after"),
    [
        (Pin(), ["10.0.0.5", "10.0.0.6"], pin("10.0.0.5")),
        (pin("10.0.0.5"), ["10.0.0.6", "10.0.0.5"], pin("10.0.0.5")),  # the order of the answers does not matter
        (pin("10.0.0.5"), [], pin("10.0.0.5")),  # no answer
        (Pin(), [], Pin()),
        (pin("10.0.0.5"), ["10.0.0.7"], pin("10.0.0.7")),
        (pin("10.0.0.5", "ab"), ["10.0.0.7"], pin("10.0.0.7")),  # perhaps another camera, which has to show its certificate
        (pin("10.0.0.5", "ab"), ["10.0.0.5"], pin("10.0.0.5", "ab")),
        (pin("10.0.0.5"), ["127.0.0.1", "10.0.0.7"], pin("10.0.0.7")),
        (pin("10.0.0.5"), ["127.0.0.1", "10.0.0.5"], pin("10.0.0.5")),
        (pin("10.0.0.5"), ["127.0.0.1", "169.254.169.254"], Pin(refused=True)),
        (Pin(), ["::ffff:127.0.0.1"], Pin(refused=True)),
        (Pin(refused=True), [], Pin(refused=True)),
        (Pin(refused=True), ["10.0.0.5"], pin("10.0.0.5")),
    ],
)
def test_what_a_name_stands_for_after_it_was_looked_up(before: Pin, answers: list[str], after: Pin) -> None:
    assert before.after([ip_address(text) for text in answers], POLICY) == after


@pytest.mark.parametrize(
    ("progress", "answers", "after"),
    [
        (Progress.ADVANCING, ["10.0.0.7"], "10.0.0.5"),  # a change in DNS does not interrupt a recording
        (Progress.ADVANCING, ["10.0.0.5", "10.0.0.7"], "10.0.0.5"),
        (Progress.UNKNOWN, ["10.0.0.7"], "10.0.0.7"),
        (Progress.UNKNOWN, ["10.0.0.7", "10.0.0.5"], "10.0.0.5"),
        (Progress.STALLED, ["10.0.0.5"], "10.0.0.5"),
        (Progress.STALLED, ["10.0.0.5", "10.0.0.7", "10.0.0.3"], "10.0.0.7"),
        (Progress.STALLED, ["10.0.0.3", "10.0.0.5"], "10.0.0.3"),  # the next address, after the last one the first
        (Progress.STALLED, ["10.0.0.5", "2001:db8::5"], "2001:db8::5"),
        (Progress.STALLED, ["10.0.0.5", "127.0.0.1"], "10.0.0.5"),
    ],
)
def test_an_address_stays_while_it_serves_and_leaves_its_place_once_it_is_dead(progress: Progress, answers: list[str], after: str) -> None:
    assert pin("10.0.0.5").after([ip_address(text) for text in answers], POLICY, progress) == pin(after)


@pytest.mark.parametrize("progress", Progress)
def test_a_name_that_turned_inwards_is_refused_however_its_cameras_do(progress: Progress) -> None:
    assert pin("10.0.0.5").after([ip_address("127.0.0.1")], POLICY, progress) == Pin(refused=True)


@pytest.mark.parametrize(
    ("source", "fingerprint", "adopted"),
    [
        ("rtsp://u:p%40@10.0.0.5:8554/s?x=1", "", pin("10.0.0.5")),
        ("rtsp://u:p%40@[2001:db8::5]:8554/s?x=1", "ab", pin("2001:db8::5", "ab")),
        ("rtsp://u:p%40@127.0.0.1:8554/s?x=1", "", Pin()),  # an address that the policy may have allowed before
        ("rtsp://u:p%40@camera.example:8554/s?x=1", "", Pin()),
        ("rtsp://u:old@10.0.0.5:8554/s?x=1", "", Pin()),
        ("rtsp://u:p%40@10.0.0.5/s?x=1", "", Pin()),
        ("publisher", "", Pin()),
        ("", "", Pin()),
    ],
)
def test_what_the_media_server_holds_is_taken_over_after_a_restart(source: str, fingerprint: str, adopted: Pin) -> None:
    url = parse_camera_url("rtsp://u:p%40@Camera.example:8554/s?x=1")
    assert Pin.adopted(url, source, fingerprint, POLICY) == adopted


def test_a_tls_camera_is_served_with_a_certificate_only() -> None:
    assert not Pin().is_complete_for(PLAIN)
    assert pin("10.0.0.5").is_complete_for(PLAIN)
    assert not pin("10.0.0.5").is_complete_for(SECURE)
    assert pin("10.0.0.5", "ab").is_complete_for(SECURE)
