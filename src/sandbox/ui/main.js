// Asks for a brand as Monster UI does: the document of this host, then the logo and the icon, with headers for which a
// browser asks before. On any error, the vendor's brand of js/config.js stays.
(function () {
  'use strict';
  var brand = {};
  var root = location.protocol + '//' + location.hostname + ':8000/v2/';
  var open = 2;

  window.define = function (module) {
    var config = typeof module === 'function' ? module() : module;
    root = (config.api && config.api['default']) || root;
    brand = config.whitelabel || {};
  };

  function ask(path, then) {
    var request = new XMLHttpRequest();
    request.open('GET', root + 'whitelabel/' + location.hostname + path);
    request.setRequestHeader('Content-Type', 'application/json');
    request.setRequestHeader('X-Auth-Token', 'undefined');
    request.onload = function () { then(request.status === 200 ? request.responseText : null); };
    request.onerror = function () { then(null); };
    try { request.send(); } catch (error) { then(null); }
  }

  function ended() {
    open -= 1;
    if (open === 0) { document.body.dataset.state = 'ready'; }
  }

  function picture(kind, show) {
    ask('/' + kind, function (found) {
      if (found === null) { ended(); return; }
      show(root + 'whitelabel/' + location.hostname + '/' + kind + '?_=' + Date.now());
      document.body.dataset[kind] = 'shown';
      ended();
    });
  }

  function start() {
    ask('', function (text) {
      var data = {};
      try { data = JSON.parse(text).data || {}; } catch (error) { data = {}; }
      if (String(data.domain).toLowerCase() === location.hostname) {
        brand.companyName = data.company_name || brand.companyName;
        brand.applicationTitle = data.applicationTitle || brand.applicationTitle;
      }
      document.title = brand.applicationTitle || '';
      document.getElementById('company').textContent = brand.companyName || '';
      picture('logo', function (url) { document.getElementById('logo').src = url; });
      picture('icon', function (url) {
        var link = document.createElement('link');
        link.rel = 'shortcut icon';
        link.href = url;
        document.head.appendChild(link);
      });
    });
  }

  var script = document.createElement('script');
  script.src = 'js/config.js';
  // Monster UI asks for words and templates of its own before it asks for the brand, and stays empty without them.
  script.onload = function () {
    var own = new XMLHttpRequest();
    own.open('GET', 'js/main.js');
    own.onload = start;
    own.send();
  };
  document.head.appendChild(script);
}());
