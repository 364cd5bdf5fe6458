# SPDX-License-Identifier: MIT
"""
The demo, asked over HTTP and in Chromium.

The tests in the browser want the extra `browser`, and Debian's packages chromium and
chromium-driver. Where one of them is not installed, they are skipped.
"""

import contextlib
import http.cookiejar
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

import pytest
from django.contrib.sessions.models import Session

import shop
from shop import Product, site, stock_shop
from tools import ask_shop, basic


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start_demo(port, output, **environment):
    environment = dict(os.environ, PORT=str(port), PYTHONUNBUFFERED="1", **environment)
    return subprocess.Popen(
        [sys.executable, shop.__file__], env=environment, stdout=output, stderr=subprocess.STDOUT
    )


def wait_until_it_answers(url):
    for _ in range(400):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url).close()
            return
        time.sleep(0.05)


class Demo:
    def __init__(self, port, output):
        self.url, self.output = "http://127.0.0.1:%d" % port, output

    def printed(self):
        return self.output.read_text()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    port = free_port()
    demo = Demo(port, tmp_path_factory.mktemp("demo") / "output")
    with demo.output.open("w") as output:
        server = start_demo(port, output)
    wait_until_it_answers(demo.url)
    yield demo
    server.send_signal(signal.SIGINT)
    assert server.wait(10) == 0


def curl(command):
    """What the printed `curl` line does, without curl."""
    words = shlex.split(command)
    arguments = {words[i]: words[i + 1] for i in range(1, len(words)) if words[i].startswith("-")}
    form = [words[i + 1] for i in range(1, len(words)) if words[i] == "-d"]
    data = "&".join(form).encode() or None
    request = urllib.request.Request(words[-1], data=data, method=arguments.get("-X"))
    if "-u" in arguments:
        request.add_header("Authorization", basic(arguments["-u"].split(":")[0]))
    with urllib.request.urlopen(request) as response:
        return response.status, json.loads(response.read() or b"null")


def test_the_demo_answers_what_it_prints_and_leaves_when_told(demo):
    commands = [line for line in demo.printed().splitlines() if line.startswith("    curl")]
    answers = [curl(command) for command in commands]
    assert [status for status, _ in answers] == [200, 200, 200, 201, 200, 200, 204, 200]
    listed, searched, first, created, changed, restocked, _, _ = [body for _, body in answers]
    assert (listed["count"], len(listed["results"]), len(searched["results"])) == (13, 10, 2)
    assert first["name"] == "Green tea" and changed["price"] == "2.50"
    assert created["name"] == "Kettle" and created["owner"] is not None
    assert restocked == {"restocked": "Green tea"}
    page = urllib.request.Request(demo.url + "/products/", headers={"Accept": "text/html"})
    assert b"<h1>Product List</h1>" in urllib.request.urlopen(page).read()
    for url in ("/login/", "/static/rest_framework/css/default.css"):
        assert urllib.request.urlopen(demo.url + url).status == 200


def test_a_sync_and_an_async_view_of_the_demo_give_the_same_answer(demo):
    answers = []
    for url in ("/compare/sync/1/", "/compare/async/1/"):
        with urllib.request.urlopen(demo.url + url) as answer:
            answers.append(json.load(answer))
    assert answers[0] == answers[1]
    assert {"stock": 12, "rating": 4.5, "category": 1}.items() <= answers[0].items()


def test_after_the_log_in_one_is_at_the_root(demo):
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    browser.open(demo.url + "/login/").close()
    token = next(cookie.value for cookie in cookies if cookie.name == "csrftoken")
    form = {"username": "ann", "password": "ann", "csrfmiddlewaretoken": token}
    with browser.open(demo.url + "/login/", urllib.parse.urlencode(form).encode()) as page:
        assert (page.status, page.url) == (200, demo.url + "/")


def test_the_demo_logs_every_request(demo):
    urllib.request.urlopen(demo.url + "/products/?search=logged").close()
    for _ in range(100):
        if '"GET /products/?search=logged HTTP/1.1" 200' in demo.printed():
            return
        time.sleep(0.05)
    pytest.fail(demo.printed())


def test_the_demo_says_that_its_port_is_taken_and_not_where_it_serves(demo):
    second = start_demo(demo.url.rpartition(":")[2], subprocess.PIPE)
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert b"cannot be served on port" in said and b"PORT" in said
    assert b"The shop is at" not in said


@pytest.mark.parametrize("moment", ["as it starts", "as it serves"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_leaves_no_folder_behind(how, moment, tmp_path):
    port = free_port()
    server = start_demo(port, subprocess.PIPE, TMPDIR=str(tmp_path))
    for _ in range(400):
        if list(tmp_path.iterdir()):
            break
        time.sleep(0.05)
    if moment == "as it serves":
        wait_until_it_answers("http://127.0.0.1:%d" % port)
    server.send_signal(how)
    said, _ = server.communicate(timeout=30)
    assert (server.returncode, list(tmp_path.iterdir())) == (0, []), said
    assert b"Traceback" not in said


# In Chromium


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and chromedriver):
        pytest.skip("No browser: chromium is at %s, chromedriver at %s" % (chromium, chromedriver))
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    arguments = """headless no-sandbox disable-gpu disable-quic disable-dev-shm-usage no-first-run
        disable-background-networking disable-component-update disable-sync"""
    profile = "user-data-dir=%s" % tmp_path_factory.mktemp("chromium")
    for argument in [*arguments.split(), profile, "window-size=1200,1600"]:
        options.add_argument("--" + argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def served(database):
    """The URL of the demo's site, on a real server, and on the database of the tests."""
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(site(), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield "http://127.0.0.1:%d" % listening.getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture
def browser(driver, served):
    browser = Browser(driver, served)
    yield browser
    assert [entry for entry in browser.log() if entry["source"] != "network"] == []


class Browser:
    """What somebody sees and does in Chromium."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url
        self.forget()
        self.log()

    def forget(self):
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})

    def log(self):
        """What is new in the browser's console."""
        return self.driver.get_log("browser")

    def until(self, condition):
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.support.wait import WebDriverWait

        # Pages are loaded and replaced, and dialogs move, meanwhile.
        ignored = (WebDriverException, IndexError)
        return WebDriverWait(self.driver, 30, 0.05, ignored).until(lambda driver: condition())

    def seen(self, xpath):
        return [e for e in self.driver.find_elements("xpath", xpath) if e.is_displayed()]

    def text(self, css):
        return [element.text for element in self.driver.find_elements("css selector", css)]

    def sees(self, text):
        """The links and buttons with this text."""
        with_text = "[normalize-space() = '%s' or @value = '%s']" % (text, text)
        return self.seen("//*[self::a or self::button or self::input]" + with_text)

    def go(self, url, user=None):
        """Open a page, and be sent back to it by the login if that is to be this user's."""
        if user:
            self.forget()
        self.driver.get(self.url + url)
        if user:
            self.click("Log in").fill(username=user, password=user).click("Log in")
            self.until(lambda: self.sees(user))
        return self

    def click(self, text):
        self.until(lambda: self.sees(text)[0].click() or True)
        return self

    def fill(self, **values):
        for name, value in values.items():
            field = self.until(lambda: self.seen("//*[@name = '%s']" % name)[0])  # noqa: B023
            if field.tag_name != "select":
                field.clear()
            field.send_keys(value)
        return self

    def answer(self, request, status):
        """The JSON on the page, once that is this answer to this request."""
        asked = "//*[@class = 'request-info'][normalize-space() = '%s']" % request
        answered = "/following-sibling::*[contains(., 'HTTP %d ')]" % status
        text = self.until(lambda: self.seen(asked + answered)[0].text)
        return json.loads(text.partition("\n\n")[2] or "null")

    def names(self, request):
        return [product["name"] for product in self.answer(request, 200)["results"]]

    def errors(self):
        """What stands beside the fields, in red."""
        return {
            group.find_element("xpath", ".//*[@name]").get_attribute("name"): message.text
            for group in self.seen("//*[contains(@class, 'has-error')]")
            for message in group.find_elements("class name", "help-block")
            if "169, 68, 66" in message.value_of_css_property("color")
        }

    def offers(self):
        """The methods that the page has buttons for, in whichever of its tabs."""
        buttons = self.driver.find_elements("tag name", "button")
        texts = {button.get_attribute("textContent").strip() for button in buttons}
        return texts & {"POST", "PUT", "PATCH", "DELETE"}


PAGES = [
    ("/", "Shop", "Log in as ann, who is staff, or as bob. The password is the user name."),
    ("/products/", "Product List", "What the shop sells. Log in to add"),
    ("/products/?page=2", "Product List", "What the shop sells. Log in to add"),
    ("/products/4/", "Product Instance", "What the shop sells. Log in to add"),
    ("/categories/", "Category List", "The categories of the products. Staff may"),
    ("/categories/3/", "Category Instance", "The categories of the products. Staff may"),
]


@pytest.mark.parametrize("user", [None, "ann"])
def test_the_pages_of_the_demo_are_whole_and_say_what_they_are(driver, demo, user):
    browser = Browser(driver, demo.url)
    browser.go("/", user=user)
    for url, title, description in PAGES:
        browser.go(url).answer("GET " + url, 200)
        assert browser.text("h1") == [title] == browser.text(".breadcrumb .active")
        assert browser.text(".breadcrumb li")[0] == "Shop"
        assert browser.text(".content-main p")[0].startswith(description)
        assert "Async" not in driver.page_source
        rules = "return [...document.styleSheets].map(sheet => sheet.cssRules.length)"
        assert len(driver.execute_script(rules)) >= 4 and all(driver.execute_script(rules))
        assert driver.execute_script("return typeof $.fn.modal") == "function"
    assert browser.log() == []  # neither errors of JavaScript nor files that are not found


def test_the_page_that_shows_what_async_buys_asks_both_views(driver, demo):
    browser = Browser(driver, demo.url).go("/compare/")
    assert browser.text("output") == ["not asked yet"] * 2
    browser.until(lambda: browser.sees("Ask both")[0].is_enabled())  # It has warmed up.
    browser.click("Ask both")
    browser.until(lambda: all(text.endswith(" s") for text in browser.text("output")))
    sync, async_ = [json.loads(text) for text in browser.text(".answer")]
    assert sync == async_ and sync["stock"] == 12
    sources = browser.text(".answer + pre")
    assert [re.search(r"def (\w+)", source)[1] for source in sources] == ["retrieve"] * 2
    assert browser.log() == []


def test_a_user_logs_in_and_out_in_the_browser(browser):
    browser.go("/products/").click("Log in").fill(username="ann", password="bob").click("Log in")
    browser.until(lambda: "correct username and password" in browser.text(".text-error")[0])
    assert not Session.objects.exists()
    browser.go("/products/", user="ann")
    assert "POST" in browser.offers()
    assert Session.objects.get().get_decoded()["_auth_user_id"] == "1"
    browser.click("ann").click("Log out").until(lambda: browser.sees("Log in"))
    assert not Session.objects.exists() and browser.go("/products/").offers() == set()


def test_a_list_is_paged_through_in_the_browser(browser):
    stock_shop()
    first = browser.go("/products/").names("GET /products/")
    assert first == list(Product.objects.values_list("name", flat=True)[:10])
    second = browser.click("2").names("GET /products/?page=2")
    assert second == ["Sieve", "Tin", "Urn"] and browser.text(".pagination .active") == ["2"]
    assert browser.text(".pagination .disabled") == ["»"]
    assert browser.click("«").names("GET /products/") == first
    browser.click("»").names("GET /products/?page=2")


def test_a_list_is_searched_and_ordered_in_the_dialog(browser):
    stock_shop()
    browser.go("/products/").click("Filters").fill(search="tea").click("Search")
    found = browser.names("GET /products/?search=tea")
    assert found == ["Green tea", "Black tea", "Teapot"]
    browser.click("Filters").click("price - descending")
    found = browser.names("GET /products/?ordering=-price&search=tea")
    assert found == ["Teapot", "Black tea", "Green tea"]
    browser.go("/products/?ordering=-price").click("2")
    assert browser.names("GET /products/?ordering=-price&page=2")[-1] == "Green tea"


def test_a_product_is_created_in_the_form(browser):
    browser.go("/products/", user="bob").fill(name="Jug", price="7", category="Tea").click("POST")
    answer = browser.answer("POST /products/", 201)
    jug = Product.objects.get(pk=answer["id"])
    assert (jug.name, jug.price, jug.category.name, jug.owner.username) == ("Jug", 7, "Tea", "bob")
    browser.click(answer["url"])  # the links in an answer
    assert browser.answer("GET /products/4/", 200) == answer
    assert browser.offers() == {"PUT", "PATCH", "DELETE"}


def test_a_product_is_created_from_raw_data(browser):
    browser.go("/products/", user="bob").click("Raw data")
    browser.fill(_content='{"name": "Jug", "price": "free"}').click("POST")
    assert list(browser.answer("POST /products/", 400)) == ["price"]
    assert Product.objects.count() == 3
    browser.fill(_content='{"name": "Jug", "price": "8.50"}').click("POST")
    jug = Product.objects.get(pk=browser.answer("POST /products/", 201)["id"])
    assert (jug.name, str(jug.price), jug.owner.username) == ("Jug", "8.50", "bob")


@pytest.mark.parametrize("method, url", [("POST", "/products/"), ("PUT", "/products/1/")])
def test_errors_stand_beside_the_fields_of_a_form(browser, method, url):
    before = list(Product.objects.values())
    browser.go(url, user="ann").fill(name="", price="cheap").click(method)
    browser.answer("%s %s" % (method, url), 400)
    expected = {"name": "This field may not be blank.", "price": "A valid number is required."}
    assert browser.until(browser.errors) == expected
    assert list(Product.objects.values()) == before
    browser.fill(name="Mug", price="5").click(method)  # in the form that came with the errors
    mug = browser.answer("%s %s" % (method, url), 201 if method == "POST" else 200)
    assert browser.errors() == {}
    assert str(Product.objects.get(pk=mug["id"], name="Mug").price) == "5.00"


def test_a_product_is_edited_in_the_form_and_in_raw_data(browser, tea):
    browser.go("/products/1/", user="ann").fill(name="Mint tea").click("PUT")
    answer = browser.answer("PUT /products/1/", 200)
    tea.refresh_from_db()
    assert (answer["name"], tea.name, tea.price, tea.category.name) == (
        tea.name,
        "Mint tea",
        1,
        "Tea",
    )
    browser.go("/products/1/").click("Raw data").fill(_content='{"price": "3"}').click("PATCH")
    assert browser.answer("PATCH /products/1/", 200)["price"] == "3.00"
    tea.refresh_from_db()
    assert (tea.name, tea.price) == ("Mint tea", 3)


def test_a_product_is_deleted_once_that_is_confirmed(browser, tea):
    browser.go("/products/1/", user="ann").click("DELETE").click("Cancel")
    browser.until(lambda: not browser.sees("Cancel"))
    assert not Product.objects.filter(is_archived=True)
    browser.click("DELETE").click("Delete").answer("DELETE /products/1/", 204)
    assert list(Product.objects.filter(is_archived=True)) == [tea]
    browser.go("/products/1/").answer("GET /products/1/", 404)
    assert browser.go("/products/").names("GET /products/") == ["Black tea", "Teapot"]


def test_an_action_is_found_and_done_in_the_browser(browser):
    browser.go("/products/1/", user="ann").click("Extra Actions").click("Restock")
    browser.answer("GET /products/1/restock/", 405)
    assert browser.text(".content-main p")[0].startswith("Order more of one of your products")
    assert browser.seen("//form//*[@name = 'name']") == []
    browser.click("POST")
    assert browser.answer("POST /products/1/restock/", 200) == {"restocked": "Green tea"}


@pytest.mark.parametrize(
    "url, others, its_own",
    [("/categories/", "bob", "ann"), ("/products/", None, "bob")],
    ids=["sync", "async"],
)
def test_the_form_to_create_is_for_those_who_may(browser, url, others, its_own):
    assert browser.go(url, user=others).answer("GET " + url, 200)["results"]
    assert browser.offers() == set() and browser.seen("//input | //textarea") == []
    assert ask_shop("POST", url, data={"name": "Mine"}, user=others).status == 403
    assert browser.go(url, user=its_own).offers() == {"POST"}
    created = browser.fill(name="Mine").click("POST").answer("POST " + url, 201)
    assert [item for item in ask_shop("GET", url).json["results"] if item["name"] == "Mine"] == [
        dict(created, url=created["url"].replace(browser.url, "http://testserver"))
    ]


@pytest.mark.parametrize(
    "url, others, its_own",
    [("/categories/2/", "bob", "ann"), ("/products/4/", "ann", "bob")],
    ids=["sync", "async"],
)
def test_the_forms_to_change_and_delete_are_for_those_who_may(browser, url, others, its_own):
    stock_shop()
    before = ask_shop("GET", url).json
    assert browser.go(url, user=others).answer("GET " + url, 200)["name"] == before["name"]
    assert browser.offers() == set() and browser.seen("//input | //textarea") == []
    assert ask_shop("PUT", url, data={"name": "Mine"}, user=others).status == 403
    assert ask_shop("DELETE", url, user=others).status == 403
    assert ask_shop("GET", url).json == before
    assert browser.go(url, user=its_own).offers() == {"PUT", "PATCH", "DELETE"}
    browser.fill(name="Mine").click("PUT").answer("PUT " + url, 200)
    assert ask_shop("GET", url).json == dict(before, name="Mine")
    browser.click("DELETE").click("Delete").answer("DELETE " + url, 204)
    assert ask_shop("GET", url).status == 404


def test_a_delete_button_comes_when_the_permission_finds_nothing_in_the_way(browser):
    assert browser.go("/categories/1/", user="ann").offers() == {"PUT", "PATCH"}
    assert ask_shop("DELETE", "/categories/1/", user="ann").status == 403
    Product.objects.all().delete()
    assert browser.go("/categories/1/").offers() == {"PUT", "PATCH", "DELETE"}
